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
//! SQLite, of the three that `cargo run --release --manifest-path benches/stores/Batch.toml`
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

mod commit_marker;
mod dead_letter;
mod dead_letter_table;
pub mod dead_letters;
mod entry;
mod lock;
mod progress;
mod reading;
mod repair;
mod request;
mod reserve;
mod salvage;
#[expect(clippy::module_inception, reason = "it defines the spool itself")]
mod spool;
mod spool_dir;
mod status_publisher;
mod store;
pub mod writer;
mod writer_thread;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

pub use reading::Loaded;
pub use spool::{Committed, Spool};

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
        "{path} is no spool of this version of sluicegate; set spool.folder to another position, or use the version that wrote it",
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
    /// How long a dead letter is kept, in milliseconds; 0: until somebody decides.
    pub keep_letters_ms: i64,
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

/// The process that has the spool in `folder`, if one has.
pub fn owner(folder: &Path) -> Option<String> {
    lock::Lock::owner(folder)
}
