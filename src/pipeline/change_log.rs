//! The log of the changes that people make to a running pipeline: who, when, from where, and what.
//!
//! The newest are kept in memory, and all are appended to a file beside the spool, which nothing ever
//! shortens: [`FILE`], a JSON object a line.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::amplitude::time;
use crate::filter::Filters;
use crate::owner_only;
use crate::protocol::{Author, ChangeRecord};

/// Name of the file in the spool's folder.
const FILE: &str = "changes.ndjson";
/// Changes that are kept in memory.
const KEPT: usize = 100;

/// The log of changes. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct ChangeLog {
    inner: Arc<Mutex<Inner>>,
    /// Held while a change is made.
    turns: Arc<tokio::sync::Mutex<()>>,
}

/// A change of a group's filters, which somebody made at another member.
#[derive(Debug)]
pub(super) struct AdoptedChange {
    pub(super) author: Author,
    pub(super) what: String,
    /// The filters that were in force here.
    pub(super) replaced: Arc<Filters>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    version: u64,
    records: VecDeque<ChangeRecord>,
    /// The filters that newer ones replaced, the newest last.
    replaced: VecDeque<Arc<Filters>>,
}

impl ChangeLog {
    /// Creates the log of a run whose spool is in `folder`. `version` is that of the filters in force.
    pub(super) fn new(folder: &Path, version: u64) -> Self {
        let inner = Inner {
            path: folder.join(FILE),
            version,
            records: VecDeque::new(),
            replaced: VecDeque::new(),
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            turns: Arc::default(),
        }
    }

    /// The version of the filters in force, from 1. Each change of the filters makes a new one.
    pub(super) fn version(&self) -> u64 {
        self.lock().version
    }

    /// The last changes, the newest last.
    pub(super) fn records(&self) -> Vec<ChangeRecord> {
        self.lock().records.iter().cloned().collect()
    }

    /// The last change.
    pub(super) fn last(&self) -> Option<ChangeRecord> {
        self.lock().records.back().cloned()
    }

    /// The changes of the filters after version `base`, the newest last.
    pub(super) fn of_filters_since(&self, base: u64) -> Vec<ChangeRecord> {
        let inner = self.lock();
        let mut found: Vec<ChangeRecord> = Vec::new();
        for record in &inner.records {
            // The first record of a version is that of the change that made it.
            let last = found
                .last()
                .map_or(base.max(1), |last| last.filters_version);
            if record.filters_version > last {
                found.push(record.clone());
            }
        }
        found
    }

    /// The filters that the last ones replaced.
    pub(super) fn replaced(&self) -> Option<Arc<Filters>> {
        self.lock().replaced.back().cloned()
    }

    /// Takes the filters that the last ones replaced.
    pub(super) fn take_replaced(&self) -> Option<Arc<Filters>> {
        self.lock().replaced.pop_back()
    }

    /// Waits until no other change is being made, and keeps others from being made as long as the
    /// guard lives.
    pub(super) async fn turn(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.turns.clone().lock_owned().await
    }

    /// Keeps a change, and appends it to the file.
    pub(super) fn add(&self, author: Author, what: String) {
        self.lock().add(author, what);
    }

    /// Does so with a change of the filters, which makes a new version. `replaced` are the filters to
    /// which an undo goes back.
    pub(super) fn add_filters(&self, author: Author, what: String, replaced: Option<Arc<Filters>>) {
        let mut inner = self.lock();
        inner.version += 1;
        inner.replaces(replaced);
        inner.add(author, what);
    }

    /// Does so with filters that a group has under this version. Without a change they are the same, under
    /// a newer version.
    pub(super) fn adopt_filters(&self, version: u64, change: Option<AdoptedChange>) {
        let mut inner = self.lock();
        inner.version = version;
        if let Some(AdoptedChange {
            author,
            what,
            replaced,
        }) = change
        {
            inner.replaces(Some(replaced));
            inner.add(author, what);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Whoever panicked left whole records.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn replaces(&mut self, replaced: Option<Arc<Filters>>) {
        self.replaced.extend(replaced);
        if self.replaced.len() > KEPT {
            self.replaced.pop_front();
        }
    }

    fn add(&mut self, author: Author, what: String) {
        let record = ChangeRecord {
            at_ms: time::now(),
            author,
            filters_version: self.version,
            what,
        };
        if let Err(error) = append(&self.path, &record) {
            let path = self.path.display();
            tracing::error!("cannot write the change to {path}: {error}; make it writable");
        }
        self.records.push_back(record);
        if self.records.len() > KEPT {
            self.records.pop_front();
        }
    }
}

fn append(path: &Path, record: &ChangeRecord) -> std::io::Result<()> {
    if !path.exists() {
        owner_only::create_new(path)?;
    }
    let mut line = serde_json::to_string(record).unwrap_or_default();
    line.push('\n');
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(line.as_bytes())
}
