//! The spool itself: what is appended, settled, put off and buried, and made durable in one step.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::delivery::{Accepted, History, Queued, SpoolPosition};
use crate::network::address::masked;
use crate::sqlite;

use super::commit_marker::{self, MarkerFile};
use super::dead_letters::{DeadLetter, LetterRow};
use super::lock::Lock;
use super::progress::{Progress, Settled, Step};
use super::spool_dir::{self, SpoolDir};
use super::store::{self, Changes, RetryRow, Store};
use super::{Damage, SpoolError, SpoolRow, dead_letter_table, salvage};

/// Of so many chunks the progress is kept in memory from the start; of others it is read when
/// something of them is settled.
const CHUNKS_IN_MEMORY: usize = 1_024;

/// A spool that is ours, without a thread or a clock.
#[derive(Debug)]
pub struct Spool {
    pub(super) store: Store,
    pub(super) home: Option<SpoolDir>,
    facts: Metadata,
    /// The newest chunk of the runs before: items up to it have no event in the ring.
    pub(super) before: u64,
    pub(super) progress: Progress,
    pub(super) changes: Changes,
    appended_bytes: usize,
    /// What could not be settled because the file could not be read.
    unsettled: Vec<SpoolPosition>,
    pub(super) row: SpoolRow,
    pub(super) damage: Damage,
    /// What the file's version was when others' changes were last looked at.
    pub(super) version: i64,
    /// Whether there may be letters that are marked, and not back in the spool.
    more_marked: bool,
}

/// How far a spool came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Metadata {
    /// The number of the newest chunk.
    chunk: u64,
    /// How many items were ever appended.
    appended: u64,
    /// The feed's last message of which everything is here.
    message: Option<String>,
    /// The feed that gave it.
    feed: String,
}

/// What a commit made durable.
#[derive(Debug, Default)]
pub struct Committed {
    /// The chunk that was added; 0 where none was.
    pub chunk: u64,
    /// What is in it.
    pub items: Vec<Queued>,
}

impl Spool {
    /// Takes the spool in `folder`, which is made where there is none. What is damaged is
    /// salvaged; [`Spool::take_damage`] tells of it.
    pub fn open(folder: &Path) -> Result<Self, SpoolError> {
        let lock = Lock::take(folder)?;
        salvage::finish(folder)?;
        let mut tail = MarkerFile::open(folder);
        let noted = tail.read();
        let mut damage = Damage::default();
        let spool = match Self::in_folder(folder) {
            Err(SpoolError::Database { source, .. }) if sqlite::is_damage(&source) => {
                salvage::into_new_file(folder, noted.map(|n| n.waiting), &mut damage)?;
                Self::in_folder(folder)
            }
            other => other,
        };
        let mut spool = spool?;
        if let Some(noted) = noted.filter(|noted| noted.chunk > spool.facts.chunk) {
            spool.miss(noted, &mut damage);
        }
        spool.row.lost = damage.items;
        spool.damage = damage;
        spool.home = Some(SpoolDir::new(folder, tail, lock));
        Ok(spool)
    }

    fn in_folder(folder: &Path) -> Result<Self, SpoolError> {
        let path = store::path(folder);
        let store = Store::open(&path)?;
        Self::with(store).map_err(|source| SpoolError::Database { path, source })
    }

    /// A spool on a connection alone, without a folder and its lock: for whoever brings a
    /// file system of its own.
    pub fn on(db: Connection) -> rusqlite::Result<Self> {
        Self::with(Store::on(db)?)
    }

    fn with(store: Store) -> rusqlite::Result<Self> {
        let facts = store.fact(store::HEAD)?;
        let mut facts: Metadata = facts
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let mut row = SpoolRow::default();
        let mut progress = Progress::default();
        store.each_chunk(|number, items, bytes, stored| {
            let settled = Settled::new(items, stored);
            facts.chunk = facts.chunk.max(number);
            row.items += u64::from(settled.left());
            row.bytes += bytes;
            if progress.len() < CHUNKS_IN_MEMORY {
                progress.insert(number, bytes, settled);
            }
        })?;
        (row.letters, row.letter_bytes) = dead_letter_table::counts(store.db())?;
        row.carried = row.items;
        Ok(Self {
            version: store.version()?,
            before: facts.chunk,
            store,
            home: None,
            facts,
            progress,
            changes: Changes::default(),
            appended_bytes: 0,
            unsettled: Vec::new(),
            row,
            damage: Damage::default(),
            more_marked: true,
        })
    }

    /// The file lacks what was noted beside it. Unless that is known already, its log was
    /// damaged.
    fn miss(&mut self, noted: commit_marker::CommitMarker, damage: &mut Damage) {
        if damage.told.is_empty() {
            let lost = noted.appended.saturating_sub(self.facts.appended);
            let commits = noted.chunk - self.facts.chunk;
            damage.add(
                lost,
                format!(
                    "the end of the spool's log was damaged: {lost} accepted items in its last {commits} commits are lost; a feed that resumes brings their events again"
                ),
            );
        }
        self.facts.chunk = noted.chunk;
        self.facts.appended = noted.appended;
        self.before = noted.chunk;
    }

    /// Where its items go. A spool with items for somewhere else is refused.
    pub fn belong_to(&mut self, destination: &str) -> Result<(), SpoolError> {
        let database = |source| SpoolError::Database {
            path: self.path(),
            source,
        };
        let theirs = self.store.fact(store::DESTINATION).map_err(database)?;
        match theirs {
            Some(theirs) if theirs == destination => return Ok(()),
            Some(theirs) if self.row.items + self.row.letters > 0 => {
                return Err(SpoolError::OtherDestination {
                    folder: self.folder(),
                    items: self.row.items + self.row.letters,
                    theirs,
                    ours: destination.to_owned(),
                });
            }
            _ => {}
        }
        let changes = Changes {
            facts: vec![(store::DESTINATION, destination.to_owned())],
            ..Changes::default()
        };
        let written = self.store.write(&changes, std::iter::empty());
        written.map_err(|source| SpoolError::Database {
            path: self.path(),
            source,
        })
    }

    /// The last message of `feed` of which everything is here or was settled. A feed is known by
    /// its address without its secrets: it resumes with another token, too.
    pub fn last_message(&self, feed: &str) -> Option<&str> {
        self.facts
            .message
            .as_deref()
            // Earlier versions wrote the whole address.
            .filter(|_| masked(&self.facts.feed) == feed)
    }

    /// Notes how far the feed has come, with the next commit.
    pub fn note_message(&mut self, feed: &str, message: &str) {
        if self.facts.feed != feed {
            self.facts.feed = feed.to_owned();
        }
        self.facts.message = Some(message.to_owned());
        self.changes.facts = vec![(store::HEAD, String::new())];
    }

    /// Adds items, with the next commit.
    pub fn append(&mut self, items: impl IntoIterator<Item = Accepted>) {
        let before = self.changes.items.len();
        self.changes.items.extend(items);
        let added = self.changes.items[before..].iter();
        self.appended_bytes += added.map(|a| a.item.body.len()).sum::<usize>();
    }

    /// Settles items: with the next commit where their chunk is settled whole, or with the
    /// next one that writes progress.
    pub fn settle(&mut self, positions: impl IntoIterator<Item = SpoolPosition>) {
        for position in positions {
            if !self.progress.knows(position.chunk) {
                match self.store.chunk_at(position.chunk) {
                    Ok(Some(row)) => {
                        let settled = Settled::new(row.items, row.settled);
                        self.progress.insert(position.chunk, row.bytes, settled);
                    }
                    // It is gone: settled before.
                    Ok(None) => continue,
                    Err(error) => {
                        tracing::warn!("the spool can't be read: {error}");
                        self.unsettled.push(position);
                        continue;
                    }
                }
            }
            match self.progress.settle(position) {
                Step::Nothing => continue,
                Step::One => {}
                Step::Last { bytes } => {
                    self.changes.finished.push(position.chunk);
                    self.row.bytes = self.row.bytes.saturating_sub(bytes);
                }
            }
            self.row.items = self.row.items.saturating_sub(1);
        }
    }

    /// Keeps the attempts of items that failed, and when each is tried again at the earliest.
    pub fn reschedule(
        &mut self,
        items: impl IntoIterator<Item = (SpoolPosition, History)>,
        next_ms: UnixMs,
    ) {
        let retry = |(position, history)| RetryRow {
            position,
            history,
            next_ms,
        };
        self.changes.retries.extend(items.into_iter().map(retry));
    }

    /// Makes a dead letter of an item, which is settled by that: both in one step.
    pub fn dead_letter(&mut self, position: SpoolPosition, letter: DeadLetter) {
        self.row.letters += 1;
        self.row.letter_bytes += letter.bytes();
        self.changes.letters.push(letter);
        self.settle([position]);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.row.items == 0
    }

    /// How many items were appended since the last commit.
    pub fn appended(&self) -> usize {
        self.changes.items.len()
    }

    /// How many bytes were appended since the last commit.
    pub fn appended_bytes(&self) -> usize {
        self.appended_bytes
    }

    /// Makes everything since the last commit durable, in one step; `with_progress` what is
    /// settled of unfinished chunks too. Where it fails nothing is written, nothing is
    /// forgotten, and it may be tried again.
    pub fn commit(&mut self, now_ms: UnixMs, with_progress: bool) -> rusqlite::Result<Committed> {
        let unsettled = std::mem::take(&mut self.unsettled);
        self.settle(unsettled);
        let chunk = self.facts.chunk + 1;
        let adds = !self.changes.items.is_empty();
        self.changes.chunk = adds.then_some((chunk, now_ms));
        if adds || !self.changes.facts.is_empty() {
            self.changes.facts = vec![(store::HEAD, self.head(adds))];
        }
        // A letter and the progress that it makes are one step.
        let with_progress = with_progress || !self.changes.letters.is_empty();
        if self.home.as_ref().is_some_and(SpoolDir::is_moved) {
            return Err(spool_dir::moved());
        }
        if self.changes.is_empty() && !(with_progress && self.progress.changed().next().is_some()) {
            return Ok(Committed::default());
        }
        match self.write(with_progress) {
            Err(error) if self.repair(&error) || self.make_room(&error) => {
                self.write(with_progress)?;
            }
            other => other?,
        }
        Ok(self.committed(with_progress))
    }

    fn head(&self, adds: bool) -> String {
        let mut head = self.facts.clone();
        if adds {
            head.chunk += 1;
            head.appended += self.changes.items.len() as u64;
        }
        serde_json::to_string(&head).unwrap_or_default()
    }

    fn write(&mut self, with_progress: bool) -> rusqlite::Result<()> {
        let progress = self
            .progress
            .changed()
            .filter(|_| with_progress)
            .map(|(number, settled)| (number, settled.bits()));
        self.store.write(&self.changes, progress)
    }

    /// What follows from a write that is done.
    fn committed(&mut self, with_progress: bool) -> Committed {
        let changes = std::mem::take(&mut self.changes);
        self.appended_bytes = 0;
        for number in changes.finished {
            self.progress.forget(number);
        }
        if with_progress {
            self.progress.written();
        }
        for (_, bytes) in changes.gone_letters {
            self.row.letters = self.row.letters.saturating_sub(1);
            self.row.letter_bytes = self.row.letter_bytes.saturating_sub(bytes);
        }
        let committed = self.added(changes.chunk, changes.items);
        if let Some(home) = &mut self.home {
            home.tail.write(commit_marker::CommitMarker {
                chunk: self.facts.chunk,
                appended: self.facts.appended,
                waiting: self.row.items,
            });
        }
        committed
    }

    fn added(&mut self, chunk: Option<(u64, UnixMs)>, items: Vec<Accepted>) -> Committed {
        let Some((chunk, _)) = chunk else {
            return Committed::default();
        };
        let bytes: u64 = items.iter().map(|a| a.item.body.len() as u64).sum();
        let count = items.len();
        self.facts.chunk = chunk;
        self.facts.appended += count as u64;
        self.row.items += count as u64;
        self.row.bytes += bytes;
        if self.progress.len() < CHUNKS_IN_MEMORY {
            let settled = Settled::new(count as u32, None);
            self.progress.insert(chunk, bytes, settled);
        }
        let queued = |(item, accepted)| Queued {
            accepted,
            position: SpoolPosition {
                chunk,
                item: item as u32,
            },
            history: History::default(),
        };
        let items = items.into_iter().enumerate().map(queued).collect();
        Committed { chunk, items }
    }

    /// Takes note of what another process changed: letters that it marked go back into the
    /// spool with the next commit. Whether there is anything new.
    pub fn look_around(&mut self) -> rusqlite::Result<bool> {
        let version = self.store.version()?;
        let waits = !self.changes.gone_letters.is_empty();
        if waits || (version == self.version && !self.more_marked) {
            return Ok(false);
        }
        (self.row.letters, self.row.letter_bytes) = dead_letter_table::counts(self.store.db())?;
        let marked = dead_letter_table::marked(self.store.db())?;
        self.version = version;
        self.more_marked = !marked.is_empty();
        self.row.carried += marked.len() as u64;
        for letter in marked {
            let gone = (letter.number, letter.bytes());
            self.changes.gone_letters.push(gone);
            self.append([Accepted {
                sequence: 0,
                ..letter.accepted
            }]);
        }
        Ok(true)
    }

    /// Removes letters that came to be ones before `ms`, with the next commit: how many, a
    /// handful at the most.
    pub fn forget_letters(&mut self, ms: UnixMs) -> rusqlite::Result<u64> {
        let old = dead_letter_table::older_than(self.store.db(), ms)?;
        let count = old.len() as u64;
        self.changes.gone_letters.extend(old);
        Ok(count)
    }

    /// The dead letters by reason and type, the most first, up to `most` rows.
    pub fn letter_rows(&self, most: u32) -> rusqlite::Result<Vec<LetterRow>> {
        dead_letter_table::rows(self.store.db(), most)
    }

    /// How it stands. The quota, and what is wrong, are its writer's to say.
    pub fn row(&self) -> SpoolRow {
        SpoolRow {
            // What can't be read now is told by the commit that fails.
            oldest_ms: self.store.oldest().ok().flatten(),
            ..self.row.clone()
        }
    }

    /// What it takes of its quota, in bytes.
    pub fn used_bytes(&self) -> u64 {
        self.row.bytes + self.row.letter_bytes
    }

    /// What was found damaged since this was asked last.
    pub fn take_damage(&mut self) -> Damage {
        std::mem::take(&mut self.damage)
    }

    /// The number of the newest chunk.
    pub fn newest(&self) -> u64 {
        self.facts.chunk
    }

    /// Where it is.
    pub fn folder(&self) -> PathBuf {
        self.home
            .as_ref()
            .map_or_else(PathBuf::new, |home| home.folder.clone())
    }

    pub(super) fn path(&self) -> PathBuf {
        store::path(&self.folder())
    }
}
