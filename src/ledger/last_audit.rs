//! The result of the last audit, in a file beside the ledger: `audit` writes it, and the forwarder
//! reads it for its metrics, its alerts and its screen.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwapOption;
use serde::{Deserialize, Serialize};

use super::error::LedgerError;
use crate::amplitude::time::UnixMs;
use crate::owner_only;

/// The name of the file.
const FILE: &str = "audit.json";
/// Interval at which it is looked at.
const EVERY: Duration = Duration::from_secs(5);

/// The result of the last audit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAudit {
    /// When it ended.
    pub at_ms: UnixMs,
    /// The first hour, as `2026-11-25T09`.
    pub from: String,
    /// The last hour.
    pub to: String,
    /// Events in Amplitude's export.
    pub in_export: u64,
    /// Those of them that were never received.
    pub missing: u64,
    /// Accepted events that have not arrived.
    pub undelivered: u64,
    /// Whether something is undelivered, or more is missing than was accepted (`--max-missing`).
    pub is_alarming: bool,
}

impl LastAudit {
    /// Writes it beside the ledger in `folder`.
    pub fn write(&self, folder: &Path) -> Result<(), LedgerError> {
        let path = folder.join(FILE);
        let text = serde_json::to_vec(self).expect("every field can be serialized into memory");
        owner_only::replace_durably(&path, &text).map_err(|source| LedgerError::of(&path, source))
    }
}

/// The last audit, as the ledger's thread has read it.
pub(super) type Shared = Arc<ArcSwapOption<LastAudit>>;

/// Reads the file when it changes.
#[derive(Debug)]
pub(super) struct AuditFile {
    path: PathBuf,
    shared: Shared,
    written: Option<SystemTime>,
    looked: Option<Instant>,
}

impl AuditFile {
    /// The file beside the ledger in `folder`, and what is read from it.
    pub(super) fn new(folder: &Path) -> (Self, Shared) {
        let shared = Shared::default();
        let file = Self {
            path: folder.join(FILE),
            shared: shared.clone(),
            written: None,
            looked: None,
        };
        (file, shared)
    }

    /// Reads it if it has changed, every few seconds.
    pub(super) fn look(&mut self) {
        if self.looked.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        // There may be none.
        let written = fs::metadata(&self.path).and_then(|file| file.modified());
        let written = written.ok();
        if written == self.written {
            return;
        }
        self.written = written;
        let read = fs::read(&self.path).ok();
        let found = read.and_then(|text| match serde_json::from_slice(&text) {
            Ok(found) => Some(Arc::new(found)),
            Err(error) => {
                let path = self.path.display();
                tracing::warn!("{path} has no result of an audit: {error}");
                None
            }
        });
        self.shared.store(found);
    }
}
