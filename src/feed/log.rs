//! What a server published, on disk: for clients that were away for longer than its ring goes
//! back, and so that nothing that was answered for is lost when the server ends.
//!
//! One thread writes; what is waiting when it is free goes in one commit, which is on disk before
//! anyone is told that it is. A message's id is its place in the log, so that it is read in the
//! order in which it was sent.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytestring::ByteString;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use uuid::Uuid;

use crate::amplitude::time::{self, UnixMs};
use crate::owner_only;

use super::fill::{Fill, age_ms};

const FILE: &str = "messages.sqlite";
/// Messages are removed so many at a time, so that nobody waits long for it.
const REMOVED_AT_ONCE: u64 = 2_000;

const TABLES: &str = "
    create table if not exists messages (id blob primary key, text text not null) without rowid;
    create table if not exists acknowledged (name text primary key, id blob not null) without rowid;";
/// Files of earlier versions don't tell when a reader was heard of.
const HEARD: &str = "alter table acknowledged add column heard_ms integer not null default 0";

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
    messages: u64,
    /// The bytes of that.
    bytes: u64,
    /// The id of the oldest message.
    oldest: Option<Uuid>,
    /// Held for as long as the process lives.
    _lock: File,
}

/// The log, for readers.
#[derive(Debug)]
pub struct Reader {
    db: Connection,
}

impl Log {
    /// Opens the log in `folder`, which is made where it isn't there.
    pub fn open(folder: &Path, keep: Keep) -> Result<Self, LogError> {
        let file = |source| LogError::File {
            folder: folder.to_owned(),
            source,
        };
        owner_only::create_folder(folder).map_err(file)?;
        let lock = owner_only::open_own(&folder.join("lock")).map_err(file)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LogError::Taken {
                    folder: folder.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(file(source)),
        }
        let database = |source| LogError::Database {
            folder: folder.to_owned(),
            source,
        };
        owner_only::prepare_database(&folder.join(FILE)).map_err(file)?;
        let db = Connection::open(folder.join(FILE)).map_err(database)?;
        let opened = || {
            db.pragma_update(None, "page_size", 16_384)?;
            db.pragma_update(None, "journal_mode", "wal")?;
            db.pragma_update(None, "synchronous", "full")?;
            db.execute_batch(TABLES)?;
            tell_heard(&db)?;
            let size = "select count(*), coalesce(sum(length(cast(text as blob))), 0), min(id) from messages";
            db.query_row(size, [], |row| {
                let oldest: Option<[u8; 16]> = row.get(2)?;
                Ok((row.get(0)?, row.get(1)?, oldest.map(Uuid::from_bytes)))
            })
        };
        let (messages, bytes, oldest) = opened().map_err(database)?;
        Ok(Self {
            db,
            folder: folder.to_owned(),
            keep,
            messages,
            bytes,
            oldest,
            _lock: lock,
        })
    }

    /// Another connection to it, which only reads.
    pub fn reader(&self) -> Result<Reader, LogError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(self.folder.join(FILE), flags);
        opened.map(|db| Reader { db }).map_err(|e| self.failed(e))
    }

    /// The id of the newest message.
    pub fn newest(&self) -> Result<Option<Uuid>, LogError> {
        let newest = "select id from messages order by id desc limit 1";
        let row = self.db.query_row(newest, [], |row| row.get(0));
        let found = row.optional().map_err(|error| self.failed(error))?;
        Ok(found.map(Uuid::from_bytes))
    }

    /// How far each reader is.
    pub fn positions(&self) -> Result<HashMap<String, Position>, LogError> {
        let read = || {
            let all = "select name, id, heard_ms from acknowledged";
            let mut all = self.db.prepare(all)?;
            let rows = all.query_map([], |row| {
                let position = Position {
                    id: Uuid::from_bytes(row.get(1)?),
                    heard_ms: row.get(2)?,
                };
                Ok((row.get(0)?, position))
            })?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.failed(error))
    }

    /// Writes messages and positions, all or none; on disk when this returns. A reader without a
    /// position is forgotten.
    pub fn write(
        &mut self,
        messages: &[(Uuid, ByteString)],
        positions: &HashMap<String, Option<Position>>,
    ) -> Result<(), LogError> {
        let mut write = || {
            let transaction = self.db.transaction()?;
            {
                let into = "insert into messages (id, text) values (?1, ?2)";
                let mut insert = transaction.prepare_cached(into)?;
                for (id, text) in messages {
                    insert.execute(params![id.as_bytes(), &**text])?;
                }
                let into =
                    "insert or replace into acknowledged (name, id, heard_ms) values (?1, ?2, ?3)";
                let mut insert = transaction.prepare_cached(into)?;
                let mut delete =
                    transaction.prepare_cached("delete from acknowledged where name = ?1")?;
                for (name, position) in positions {
                    match position {
                        Some(at) => insert.execute(params![name, at.id.as_bytes(), at.heard_ms])?,
                        None => delete.execute([name])?,
                    };
                }
            }
            transaction.commit()
        };
        let written = write();
        written.map_err(|error| self.failed(error))?;
        let sizes = messages.iter().map(|(_, text)| text.len() as u64);
        self.bytes += sizes.sum::<u64>();
        self.messages += messages.len() as u64;
        self.oldest = self.oldest.or(messages.first().map(|(id, _)| *id));
        Ok(())
    }

    /// Removes some of what is older, or more, than is kept; whether there may be more of it.
    pub fn prune(&mut self, now_ms: UnixMs) -> Result<bool, LogError> {
        let oldest_ms = now_ms.saturating_sub_unsigned(self.keep.age.as_millis() as u64);
        let mut oldest = [0; 16];
        // The first 48 bits of an id are its time.
        oldest[..6].copy_from_slice(&oldest_ms.max(0).to_be_bytes()[2..]);
        let is_too_much = self.bytes > self.keep.bytes;
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
            }
            transaction.commit()?;
            Ok((freed, count, left))
        };
        let (freed, count, left) = prune().map_err(|error| self.failed(error))?;
        self.bytes = self.bytes.saturating_sub(freed);
        self.messages = self.messages.saturating_sub(count);
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
            messages: self.messages,
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

/// Adds when readers were heard of to a file that doesn't tell; they begin a new month.
fn tell_heard(db: &Connection) -> rusqlite::Result<()> {
    let tells = "select count(*) from pragma_table_info('acknowledged') where name = 'heard_ms'";
    if db.query_row(tells, [], |row| row.get::<_, u64>(0))? == 0 {
        db.execute(HEARD, [])?;
    }
    let new = "update acknowledged set heard_ms = ?1 where heard_ms = 0";
    db.execute(new, [time::now()])?;
    Ok(())
}

impl Reader {
    /// So many messages at the most from behind this id on, the oldest first.
    pub fn after(&self, id: Uuid, most: u32) -> rusqlite::Result<Vec<(Uuid, ByteString)>> {
        let some = "select id, text from messages where id > ?1 order by id limit ?2";
        let mut rows = self.db.prepare_cached(some)?;
        let found = rows.query_map(params![id.as_bytes(), most], |row| {
            let text: String = row.get(1)?;
            Ok((Uuid::from_bytes(row.get(0)?), text.into()))
        })?;
        found.collect()
    }
}

#[cfg(test)]
mod tests;
