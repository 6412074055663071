//! What a server published, on disk: for clients that were away for longer than its ring goes
//! back, and so that nothing that was answered for is lost when the server ends.
//!
//! One thread writes; what is waiting when it is free goes in one commit, which is on disk before
//! anyone is told that it is. A message's id is its place in the log, so that it is read in the
//! order in which it was sent.
//!
//! A damaged file is replaced by a new one with all that is sound in it, when the log is opened
//! and while it is used ([`Log::mend`]). Each row has a checksum, and a note beside the file says
//! how many messages there must be, so that none is missing without a word ([`Damage`]).

mod damage;
mod known;
mod opening;
mod rows;
mod salvage;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytestring::ByteString;
use rusqlite::{Connection, OpenFlags, params};
use uuid::Uuid;

use crate::amplitude::time::UnixMs;

use super::fill::{Fill, age_ms};

use known::{Known, Noted};

pub use damage::Damage;

const FILE: &str = "messages.sqlite";
/// Messages are removed so many at a time, so that nobody waits long for it.
const REMOVED_AT_ONCE: u64 = 2_000;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Messages of this age.
    pub age: Duration,
    /// And no more than so many bytes of them.
    pub bytes: u64,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Its folder or file can't be made or opened.
    #[error("cannot keep messages in {folder}: {source}", folder = folder.display())]
    File {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error("the messages in {folder} are another process's; give each relay a folder of its own", folder = folder.display())]
    Taken {
        /// The folder.
        folder: PathBuf,
    },
    /// The thread that writes it can't be started.
    #[error("cannot keep messages: no thread: {source}")]
    NoThread {
        /// What the system says.
        source: std::io::Error,
    },
    /// The server is ending.
    #[error("the server is ending")]
    Ended,
    /// What was to be published could not be written, and is not.
    #[error("{0}")]
    Unwritten(String),
    /// Its file can't be read or written.
    #[error("cannot keep messages in {folder}: {source}", folder = folder.display())]
    Database {
        /// The folder.
        folder: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// How far a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The last message that it acknowledged.
    pub id: Uuid,
    /// When it was last heard of.
    pub heard_ms: UnixMs,
}

/// The log, for its one writer.
#[derive(Debug)]
pub struct Log {
    db: Connection,
    folder: PathBuf,
    keep: Keep,
    /// What it holds.
    known: Known,
    noted: Noted,
    /// The bytes of its messages.
    bytes: u64,
    /// The id of the oldest message.
    oldest: Option<Uuid>,
    /// How far each reader is.
    positions: HashMap<String, Position>,
    damage: Damage,
    /// How many files took the place of a damaged one.
    generation: u64,
    /// Held for as long as the process lives.
    _lock: File,
}

/// The log, for readers.
#[derive(Debug)]
pub struct Reader {
    db: Connection,
    /// That of the file that it reads.
    pub generation: u64,
}

impl Log {
    /// Opens the log in `folder`, which is made where it isn't there. What is damaged is
    /// salvaged; [`Log::damage`] tells of it.
    pub fn open(folder: &Path, keep: Keep) -> Result<Self, LogError> {
        opening::open(folder, keep)
    }

    /// Another connection to it, which only reads.
    pub fn reader(&self) -> Result<Reader, LogError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(self.folder.join(FILE), flags);
        let reader = |db| Reader {
            db,
            generation: self.generation,
        };
        opened.map(reader).map_err(|e| self.failed(e))
    }

    /// The id of the newest message.
    pub fn newest(&self) -> Option<Uuid> {
        Some(self.known.newest).filter(|id| !id.is_nil())
    }

    /// How far each reader is.
    pub fn positions(&self) -> &HashMap<String, Position> {
        &self.positions
    }

    /// What the damage of the file cost since it was opened.
    pub fn damage(&self) -> &Damage {
        &self.damage
    }

    /// The number of times that a damaged file was replaced.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Writes messages and positions, all or none; on disk when this returns. A reader without a
    /// position is forgotten.
    pub fn write(
        &mut self,
        messages: &[(Uuid, ByteString)],
        positions: &HashMap<String, Option<Position>>,
    ) -> Result<(), LogError> {
        let gone = |(name, at): &(&String, &Option<Position>)| {
            at.is_none() && self.positions.contains_key(*name)
        };
        // What is removed is noted before, so that a crash in between claims less, not more.
        let gone = positions.iter().filter(gone).count() as u64;
        if gone > 0 {
            self.known.positions = self.known.positions.saturating_sub(gone);
            self.noted.write(self.known);
        }
        let mut write = || {
            let transaction = self.db.transaction()?;
            rows::put_messages(&transaction, messages)?;
            for (name, position) in positions {
                rows::put_position(&transaction, name, *position)?;
            }
            transaction.commit()
        };
        let written = write();
        written.map_err(|error| self.failed(error))?;
        for (name, position) in positions {
            match position {
                Some(at) => _ = self.positions.insert(name.clone(), *at),
                None => _ = self.positions.remove(name),
            }
        }
        let sizes = messages.iter().map(|(_, text)| text.len() as u64);
        self.bytes += sizes.sum::<u64>();
        self.oldest = self.oldest.or(messages.first().map(|(id, _)| *id));
        self.known.messages += messages.len() as u64;
        self.known.positions = self.positions.len() as u64;
        if let Some((newest, _)) = messages.last() {
            self.known.newest = *newest;
        }
        self.noted.write(self.known);
        Ok(())
    }

    /// Removes some of what is older, or more, than is kept; whether there may be more of it.
    pub fn prune(&mut self, now_ms: UnixMs) -> Result<bool, LogError> {
        let oldest_ms = now_ms.saturating_sub_unsigned(self.keep.age.as_millis() as u64);
        let mut oldest = [0; 16];
        // The first 48 bits of an id are its time.
        oldest[..6].copy_from_slice(&oldest_ms.max(0).to_be_bytes()[2..]);
        let is_too_much = self.bytes > self.keep.bytes;
        let before = self.known;
        let mut prune = || {
            let transaction = self.db.transaction()?;
            let some = "select id, length(cast(text as blob)) from messages order by id limit ?1";
            let (mut last, mut freed, mut count) = (None, 0, 0);
            let mut left = None;
            {
                let mut rows = transaction.prepare_cached(some)?;
                let mut rows = rows.query([REMOVED_AT_ONCE])?;
                while let Some(row) = rows.next()? {
                    let id: [u8; 16] = row.get(0)?;
                    let too_much = is_too_much && self.bytes - freed > self.keep.bytes;
                    if id >= oldest && !too_much {
                        left = Some(id);
                        break;
                    }
                    freed += row.get::<_, u64>(1)?;
                    count += 1;
                    last = Some(id);
                }
            }
            if let Some(last) = last {
                transaction.execute("delete from messages where id <= ?1", [last])?;
                self.known.floor = Uuid::from_u128(u128::from_be_bytes(last).saturating_add(1));
                self.known.messages = self.known.messages.saturating_sub(count);
                // Before it is done: a crash in between claims less, not more.
                self.noted.write(self.known);
            }
            transaction.commit()?;
            Ok((freed, count, left))
        };
        let pruned = prune();
        if pruned.is_err() {
            self.known = before;
        }
        let (freed, count, left) = pruned.map_err(|error| self.failed(error))?;
        self.bytes = self.bytes.saturating_sub(freed);
        let is_more = count == REMOVED_AT_ONCE;
        if !is_more {
            self.oldest = left.map(Uuid::from_bytes);
        }
        Ok(is_more)
    }

    /// How much is kept.
    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// How full it is.
    pub fn fill(&self, now_ms: UnixMs) -> Fill {
        Fill {
            messages: self.known.messages,
            bytes: self.bytes,
            most_bytes: self.keep.bytes,
            age_ms: self.oldest.map_or(0, |id| age_ms(id, now_ms)),
        }
    }

    /// Lets the file grow no further than so many pages, as a disk that is full would.
    #[cfg(test)]
    pub(crate) fn fill_disk_at(&self, pages: u32) {
        self.db
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
    }

    fn failed(&self, source: rusqlite::Error) -> LogError {
        LogError::Database {
            folder: self.folder.clone(),
            source,
        }
    }
}

impl Reader {
    /// Maximum `most` messages from behind this id on, the oldest first; an error where one of
    /// them can't be read as it was written.
    pub fn after(&self, id: Uuid, most: u32) -> rusqlite::Result<Vec<(Uuid, ByteString)>> {
        let some = format!(
            "select {} from messages where id > ?1 order by id limit ?2",
            rows::MESSAGE
        );
        let mut some = self.db.prepare_cached(&some)?;
        let found = some.query_map(params![id.as_bytes(), most], rows::message)?;
        found.collect()
    }

    /// Gives the file up, so that another one can take its place; nothing is read until then.
    pub fn close(&mut self) {
        // Without memory for a connection there is none for anything else either.
        if let Ok(nothing) = Connection::open_in_memory() {
            self.db = nothing;
        }
    }
}

#[cfg(test)]
mod tests;
