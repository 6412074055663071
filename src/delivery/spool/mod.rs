//! The spool: what is accepted and not yet delivered, on disk.
//!
//! # What it promises
//!
//! - What [`Spool::commit`] has returned from is on disk, through a kill and a power cut: the
//!   items that were appended, what was settled, the attempts of what failed, dead letters, and
//!   the feed's last message, all in one step or none of it. Where a commit fails, nothing of
//!   it has happened, and the next one tries it again.
//! - Items come back in the order in which they were appended, as they were, with their
//!   attempts. An item is settled once. What is settled of a chunk is written down with a
//!   commit that asks for it, or when all of the chunk is: a crash before brings those items
//!   back, and their ids make sending them again harmless.
//! - Bytes that the disk gives back differently show by their checksum. Such an item becomes a
//!   dead letter; a chunk whose index is broken, or a file that SQLite can't read, is counted
//!   and what is sound is carried over into a new file.
//!
//! # The store
//!
//! SQLite, of the three that `cargo run --release --manifest-path benches/stores/Cargo.toml`
//! measures: chunks of 500 items of 2 kB, each in a durable commit of its own, on 2 cores. While
//! delivery keeps up a chunk is removed 20 commits later; in an outage 500 MB pile up, and are
//! read back and removed.
//!
//! | | items/s | CPU s a million | commit p50, p99 | peak memory | on disk |
//! |---|---|---|---|---|---|
//! | SQLite 3.54, keeping up | 235,000 | 2.8 | 1.5, 6.3 ms | 14 MB | 31 MB |
//! | SQLite 3.54, outage | 139,000 | 5.1 | 1.1, 8.0 ms | 16 MB | 549 MB |
//! | fjall 3.1, keeping up | 360,000 | 2.5 | 1.1, 5.3 ms | 172 MB | 641 MB |
//! | fjall 3.1, outage | 252,000 | 4.4 | 1.1, 12.2 ms | 179 MB | 573 MB |
//! | redb 4.6, keeping up | 468,000 | 1.6 | 0.9, 2.5 ms | 16 MB | 35 MB |
//! | redb 4.6, outage | 329,000 | 1.8 | 1.0, 2.0 ms | 17 MB | 1,109 MB |
//!
//! All are several times as fast as a feed of 20,000 events a second needs. SQLite is the one
//! that most people trust with their data, takes the least room, can be looked into with a
//! tool that is on every machine, and lets other processes look at dead letters and mark them
//! while this one forwards, which the others lock out.
//!
//! [`writer`] is how others speak to it: it runs on a thread of its own, and commits by age and
//! size. Room for the worst moment is kept on the disk, so that a full one can be worked off.

mod board;
pub mod dead_letters;
mod entry;
mod lock;
mod progress;
mod reserve;
mod salvage;
mod store;
mod tail;
mod thread;
pub mod writer;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode};
use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

use super::{Accepted, History, Place, Queued, Undelivered};

use dead_letters::DeadLetter;
use entry::Entry;
use lock::Lock;
use progress::{Progress, Settled, Step};
use reserve::Reserve;
use store::{Changes, ChunkRow, Retry, Store};
use tail::Tail;

/// Of so many chunks the progress is kept in memory from the start; of others it is read when
/// something of them is settled.
const CHUNKS_IN_MEMORY: usize = 1_024;

/// Why a spool can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// There is no folder to put it in.
    #[error("there is no home folder for the spool; set spool.folder")]
    NoHome,
    /// The folder can't be made or written to.
    #[error(
        "cannot use the spool's folder {folder}: {source}; make it writable, or set spool.folder",
        folder = folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error(
        "the spool in {folder} is in use by process {pid}; end that one first, or set spool.folder",
        folder = folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process that has it.
        pid: String,
    },
    /// SQLite can't open or read the file.
    #[error("cannot open the spool {path}: {source}", path = path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file is another program's, or of a newer version of this one.
    #[error(
        "{path} is no spool of this version of sluicegate; set spool.folder to another place, or use the version that wrote it",
        path = path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// What is in it was accepted for another workspace.
    #[error(
        "the spool in {folder} holds {items} items for {theirs}, and these settings send to {ours}; deliver them with the settings of then, or set spool.folder",
        folder = folder.display()
    )]
    OtherDestination {
        /// The folder.
        folder: PathBuf,
        /// How many items are in it.
        items: u64,
        /// Where they go.
        theirs: String,
        /// Where the settings send to.
        ours: String,
    },
}

/// What was found wrong with a spool, and what could be saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damage {
    /// Items that are lost.
    pub items: u64,
    /// In words: what was damaged, what was saved, where the rest is.
    pub told: Vec<String>,
}

impl Damage {
    fn add(&mut self, items: u64, told: String) {
        self.items += items;
        self.told.push(told);
    }
}

/// How the spool stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolRow {
    /// Items that are accepted and not settled.
    pub items: u64,
    /// What they take of the quota, in bytes.
    pub bytes: u64,
    /// The quota, in bytes: dead letters count too.
    pub quota_bytes: u64,
    /// When the oldest of them was accepted.
    pub oldest_ms: Option<UnixMs>,
    /// Dead letters.
    pub letters: u64,
    /// What they take of the quota, in bytes.
    pub letter_bytes: u64,
    /// Items that were there when the run began, or came back from the dead letters.
    pub carried: u64,
    /// Items that the disk lost.
    pub lost: u64,
    /// Why nothing can be written, where that is so: then the feed is not read.
    pub fault: Option<String>,
    /// Whether the quota is reached: then the feed is not read.
    pub full: bool,
}

impl SpoolRow {
    /// From this share of the quota on, the operator is warned.
    const NEARLY_FULL_PERCENT: u64 = 80;

    /// The share of the quota that is used, in percent.
    pub fn percent(&self) -> u64 {
        let used = (self.bytes + self.letter_bytes) * 100;
        used.checked_div(self.quota_bytes).unwrap_or(0)
    }

    /// Whether it is nearly full.
    pub fn is_nearly_full(&self) -> bool {
        self.percent() >= Self::NEARLY_FULL_PERCENT
    }
}

/// Chunks that were read back.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Their items that are not settled, and when each may be tried again at the earliest.
    pub items: Vec<(Queued, Option<UnixMs>)>,
    /// The number of the last chunk that was read.
    pub upto: u64,
}

/// A spool that is ours, without a thread or a clock.
#[derive(Debug)]
pub struct Spool {
    store: Store,
    home: Option<Home>,
    facts: Facts,
    /// The newest chunk of the runs before: items up to it have no event in the ring.
    before: u64,
    progress: Progress,
    changes: Changes,
    appended_bytes: usize,
    /// What could not be settled because the file could not be read.
    unsettled: Vec<Place>,
    row: SpoolRow,
    damage: Damage,
    /// What the file's version was when others' changes were last looked at.
    version: i64,
    /// Whether there may be letters that are marked, and not back in the spool.
    more_marked: bool,
}

/// A spool's folder, and what is open in it besides the store.
#[derive(Debug)]
struct Home {
    folder: PathBuf,
    tail: Tail,
    reserve: Reserve,
    /// Which file it is that is open.
    identity: Option<Identity>,
    _lock: Lock,
}

/// A file's device and number: another one in its place has others.
type Identity = (u64, u64);

impl Home {
    /// Whether the file that is open is not the one in the folder any more. What is written
    /// to it then is gone with the process.
    fn is_moved(&self) -> bool {
        self.identity.is_some() && self.identity != identity(&self.folder)
    }
}

#[cfg(unix)]
fn identity(folder: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(store::path(folder)).ok()?;
    Some((file.dev(), file.ino()))
}

/// Elsewhere a file that is open can't be moved.
#[cfg(not(unix))]
fn identity(_folder: &Path) -> Option<Identity> {
    None
}

/// `SQLite`'s own word for it, which it says only where it doesn't keep a log.
fn moved() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY_DBMOVED);
    rusqlite::Error::SqliteFailure(code, None)
}

/// Whether an error says that the file is not in its place any more.
fn is_moved(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_READONLY_DBMOVED)
}

/// How far a spool came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
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
        let mut tail = Tail::open(folder);
        let noted = tail.read();
        let mut damage = Damage::default();
        let spool = match Self::in_folder(folder) {
            Err(SpoolError::Database { source, .. }) if salvage::is_damage(&source) => {
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
        spool.home = Some(Home {
            folder: folder.to_owned(),
            tail,
            reserve: Reserve::open(folder),
            identity: identity(folder),
            _lock: lock,
        });
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
        let mut facts: Facts = facts
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
        (row.letters, row.letter_bytes) = dead_letters::counts(store.db())?;
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
    fn miss(&mut self, noted: tail::Head, damage: &mut Damage) {
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

    /// The last message of `feed` of which everything is here or was settled.
    pub fn last_message(&self, feed: &str) -> Option<&str> {
        self.facts
            .message
            .as_deref()
            .filter(|_| self.facts.feed == feed)
    }

    /// Notes how far the feed has come, with the next commit.
    pub fn note_message(&mut self, feed: &str, message: &str) {
        if self.facts.feed != feed {
            self.facts.feed = feed.to_owned();
        }
        self.facts.message = Some(message.to_owned());
        self.changes.facts = vec![(store::HEAD, String::new())];
    }

    /// The dedupe ids of the newest items that wait, up to `most` of them.
    pub fn recent_ids(&self, most: usize) -> rusqlite::Result<Vec<u128>> {
        let mut ids = Vec::new();
        let mut before = i64::MAX.cast_unsigned();
        while ids.len() < most
            && let Some(row) = self.store.chunk_before(before)?
        {
            before = row.number;
            let index = self.store.contents(row.number)?.index()?;
            let entries = entry::decode(&index).unwrap_or_default();
            ids.extend(entries.iter().rev().map(Entry::id));
        }
        ids.truncate(most);
        ids.reverse();
        Ok(ids)
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
    pub fn settle(&mut self, places: impl IntoIterator<Item = Place>) {
        for place in places {
            if !self.progress.knows(place.chunk) {
                match self.store.chunk_at(place.chunk) {
                    Ok(Some(row)) => {
                        let settled = Settled::new(row.items, row.settled);
                        self.progress.insert(place.chunk, row.bytes, settled);
                    }
                    // It is gone: settled before.
                    Ok(None) => continue,
                    Err(error) => {
                        tracing::warn!("the spool can't be read: {error}");
                        self.unsettled.push(place);
                        continue;
                    }
                }
            }
            match self.progress.settle(place) {
                Step::Nothing => continue,
                Step::One => {}
                Step::Last { bytes } => {
                    self.changes.finished.push(place.chunk);
                    self.row.bytes = self.row.bytes.saturating_sub(bytes);
                }
            }
            self.row.items = self.row.items.saturating_sub(1);
        }
    }

    /// Keeps the attempts of items that failed, and when each is tried again at the earliest.
    pub fn put_off(&mut self, items: impl IntoIterator<Item = (Place, History)>, next_ms: UnixMs) {
        let retry = |(place, history)| Retry {
            place,
            history,
            next_ms,
        };
        self.changes.retries.extend(items.into_iter().map(retry));
    }

    /// Makes a dead letter of an item, which is settled by that: both in one step.
    pub fn bury(&mut self, place: Place, letter: DeadLetter) {
        self.row.letters += 1;
        self.row.letter_bytes += letter.bytes();
        self.changes.letters.push(letter);
        self.settle([place]);
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
        if self.home.as_ref().is_some_and(Home::is_moved) {
            return Err(moved());
        }
        if self.changes.is_empty() && !(with_progress && self.progress.changed().next().is_some()) {
            return Ok(Committed::default());
        }
        match self.write(with_progress) {
            Err(error) if self.mend(&error) || self.make_room(&error) => {
                self.write(with_progress)?;
            }
            other => other?,
        }
        Ok(self.committed(with_progress))
    }

    /// Gives up the reserve where the disk is full; whether that helps.
    fn make_room(&mut self, error: &rusqlite::Error) -> bool {
        let full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        let reserve = self.home.as_mut().map(|home| &mut home.reserve);
        full && reserve.is_some_and(Reserve::release) && self.store.copy_log().is_ok()
    }

    /// Whether there is room for more items: the reserve is kept, or as much is free in the
    /// file.
    pub fn has_room(&mut self) -> bool {
        match &self.home {
            Some(home) if !home.reserve.is_there() => self
                .store
                .free_bytes()
                .is_ok_and(|free| free >= reserve::BYTES),
            _ => true,
        }
    }

    /// Keeps the reserve again, if the disk has room for it.
    pub fn restore_reserve(&mut self) {
        if let Some(home) = &mut self.home {
            home.reserve.restore();
        }
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
            home.tail.write(tail::Head {
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
            place: Place {
                chunk,
                item: item as u32,
            },
            history: History::default(),
        };
        let items = items.into_iter().enumerate().map(queued).collect();
        Committed { chunk, items }
    }

    /// Salvages what can be while the run goes on, where the file is damaged; whether it is
    /// sound again.
    pub fn mend(&mut self, error: &rusqlite::Error) -> bool {
        if !salvage::is_damage(error) || self.home.is_none() {
            return false;
        }
        tracing::error!("the spool is damaged: {error}");
        match self.salvage() {
            Ok(()) => true,
            Err(error) => {
                tracing::error!("{error}");
                false
            }
        }
    }

    fn salvage(&mut self) -> Result<(), SpoolError> {
        let path = self.path();
        let database = |source| SpoolError::Database {
            path: path.clone(),
            source,
        };
        // The file has to be closed before another takes its place.
        let nothing = Connection::open_in_memory().map_err(database)?;
        self.store = Store::unchecked(nothing);
        let mut damage = Damage::default();
        let waiting = Some(self.row.items);
        let salvaged = salvage::into_new_file(&self.folder(), waiting, &mut damage);
        self.store = Store::open(&path)?;
        if let Some(home) = &mut self.home {
            home.identity = identity(&home.folder);
        }
        salvaged?;
        self.recount().map_err(database)?;
        self.row.lost += damage.items;
        self.damage.items += damage.items;
        self.damage.told.extend(damage.told);
        Ok(())
    }

    /// Counts anew what waits: what the file has, less what is settled since.
    fn recount(&mut self) -> rusqlite::Result<()> {
        let before = std::mem::take(&mut self.progress);
        let mut progress = Progress::default();
        let (mut left, mut all_bytes) = (0, 0);
        self.store.each_chunk(|number, items, bytes, stored| {
            let mut settled = Settled::new(items, stored);
            if let Some(known) = before.get(number) {
                (0..items)
                    .filter(|item| known.has(*item))
                    .for_each(|item| _ = settled.settle(item));
            }
            left += u64::from(settled.left());
            all_bytes += bytes;
            if before.knows(number) {
                progress.insert(number, bytes, settled);
            }
        })?;
        self.progress = progress;
        self.row.items = left;
        self.row.bytes = all_bytes;
        self.version = self.store.version()?;
        (self.row.letters, self.row.letter_bytes) = dead_letters::counts(self.store.db())?;
        Ok(())
    }

    /// Reads chunks back, from behind chunk `after` on, until `most_bytes` are reached.
    pub fn load(
        &mut self,
        after: u64,
        most_bytes: u64,
        now_ms: UnixMs,
    ) -> rusqlite::Result<Loaded> {
        let mut loaded = Loaded {
            upto: after,
            ..Loaded::default()
        };
        let mut bytes = 0;
        while bytes < most_bytes
            && let Some(row) = self.store.chunk_after(loaded.upto)?
        {
            loaded.upto = row.number;
            bytes += row.bytes;
            let retries = self.store.retries(row.number)?;
            for queued in self.items_of(&row, now_ms)? {
                let retry = retries.iter().find(|r| r.place == queued.place);
                let history = retry.map_or(queued.history, |r| r.history);
                let not_before = retry.map(|r| r.next_ms);
                loaded
                    .items
                    .push((Queued { history, ..queued }, not_before));
            }
        }
        if bytes == 0 {
            // Nothing is behind it: what comes next is what is committed next.
            loaded.upto = self.facts.chunk;
        }
        Ok(loaded)
    }

    /// The items of a chunk that are not settled. What is damaged becomes dead letters.
    fn items_of(&mut self, row: &ChunkRow, now_ms: UnixMs) -> rusqlite::Result<Vec<Queued>> {
        let settled = self.settled_of(row);
        let contents = self.store.contents(row.number)?;
        let index = contents.index()?;
        let all = Bytes::from(contents.bodies(0, row.bytes as usize)?);
        drop(contents);
        let Some(entries) = entry::decode(&index) else {
            let lost = u64::from(settled.left());
            self.damage.add(
                lost,
                format!("the index of a spooled chunk is damaged: {lost} accepted items are lost"),
            );
            self.row.lost += lost;
            self.settle((0..row.items).map(|item| Place {
                chunk: row.number,
                item,
            }));
            return Ok(Vec::new());
        };
        let (mut at, mut items) = (0, Vec::with_capacity(entries.len()));
        for (index, entry) in entries.into_iter().enumerate() {
            let end = (at + entry.bytes as usize).min(all.len());
            let body = all.slice(at.min(end)..end);
            at = end;
            let place = Place {
                chunk: row.number,
                item: index as u32,
            };
            if !settled.has(place.item) {
                items.extend(self.sound(entry, body, place, now_ms));
            }
        }
        Ok(items)
    }

    fn settled_of(&self, row: &ChunkRow) -> Settled {
        match self.progress.get(row.number) {
            Some(settled) => settled.clone(),
            None => Settled::new(row.items, row.settled.clone()),
        }
    }

    /// The item, where its bytes are those that were written.
    fn sound(
        &mut self,
        mut entry: Entry<'_>,
        body: Bytes,
        place: Place,
        now_ms: UnixMs,
    ) -> Option<Queued> {
        if place.chunk <= self.before {
            entry.sequence = 0;
        }
        let sound = entry.holds_for(&body);
        let accepted = entry.with(body);
        if sound {
            return Some(Queued {
                accepted,
                place,
                history: History::default(),
            });
        }
        let letter = DeadLetter {
            number: 0,
            at_ms: now_ms,
            why: Undelivered::Damaged,
            reason: "the disk gave back other bytes than were written".to_owned(),
            field: String::new(),
            answer: String::new(),
            message: String::new(),
            history: History::default(),
            again: false,
            accepted,
        };
        self.bury(place, letter);
        None
    }

    /// Reads items back, each with the history that it comes with. What is damaged is left out.
    pub fn fetch(
        &mut self,
        places: &[(Place, History)],
        now_ms: UnixMs,
    ) -> rusqlite::Result<Vec<Queued>> {
        let mut found = Vec::with_capacity(places.len());
        for of_chunk in places.chunk_by(|a, b| a.0.chunk == b.0.chunk) {
            let mut bodies = Vec::with_capacity(of_chunk.len());
            let number = of_chunk[0].0.chunk;
            if self.store.chunk_at(number)?.is_none() {
                // It is settled by now.
                continue;
            }
            let contents = self.store.contents(number)?;
            let index = contents.index()?;
            let entries = entry::decode(&index).unwrap_or_default();
            let starts: Vec<usize> = entries
                .iter()
                .scan(0, |at, entry| {
                    Some(std::mem::replace(at, *at + entry.bytes as usize))
                })
                .collect();
            for (place, history) in of_chunk {
                let item = place.item as usize;
                if let Some(entry) = entries.get(item) {
                    let body = contents.bodies(starts[item], entry.bytes as usize)?;
                    bodies.push((entry.clone(), Bytes::from(body), *place, *history));
                }
            }
            drop(contents);
            for (entry, body, place, history) in bodies {
                let queued = self.sound(entry, body, place, now_ms);
                found.extend(queued.map(|queued| Queued { history, ..queued }));
            }
        }
        Ok(found)
    }

    /// Takes note of what another process changed: letters that it marked go back into the
    /// spool with the next commit. Whether there is anything new.
    pub fn look_around(&mut self) -> rusqlite::Result<bool> {
        let version = self.store.version()?;
        let waits = !self.changes.gone_letters.is_empty();
        if waits || (version == self.version && !self.more_marked) {
            return Ok(false);
        }
        (self.row.letters, self.row.letter_bytes) = dead_letters::counts(self.store.db())?;
        let marked = dead_letters::marked(self.store.db())?;
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
        let old = dead_letters::older_than(self.store.db(), ms)?;
        let count = old.len() as u64;
        self.changes.gone_letters.extend(old);
        Ok(count)
    }

    /// The dead letters by reason and type, the most first, up to `most` rows.
    pub fn letter_rows(&self, most: u32) -> rusqlite::Result<Vec<dead_letters::LetterRow>> {
        dead_letters::rows(self.store.db(), most)
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

    fn path(&self) -> PathBuf {
        store::path(&self.folder())
    }
}

/// The process that has the spool in `folder`, if one has.
pub fn owner(folder: &Path) -> Option<String> {
    Lock::owner(folder)
}

#[cfg(test)]
pub(crate) mod tests_support {
    use super::*;
    use crate::customerio::Item;
    use crate::customerio::mapping::Route;
    use crate::delivery::Part;
    use ulid::Ulid;

    /// Item `number` of `person`, with `text` as its body.
    pub(crate) fn accepted(number: u64, person: u64, text: &str) -> Accepted {
        let item = Item {
            id: Ulid::from_parts(number, 0),
            person,
            route: Route::Batch,
            body: Bytes::copy_from_slice(text.as_bytes()),
        };
        Accepted {
            item,
            sequence: number,
            part: Part::Event,
            event_type: "Step".into(),
            happened_ms: 1_800_000_000_000,
            received_ms: 1_800_000_000_500,
        }
    }
}
