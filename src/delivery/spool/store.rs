//! The spool's tables, in SQLite: what is in them, and every statement on them.
//!
//! A chunk's contents, its index and its items' bytes, stand in a table of their own, so that
//! the rest of it can be read, and its progress written, without touching them; and so that
//! either table can be made use of where the other one is damaged. Pages are large: a chunk
//! takes few, and freeing them is quick.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::blob::{Blob, ZeroBlob};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior};

use crate::amplitude::time::UnixMs;
use crate::delivery::{Accepted, History, SpoolPosition};
use crate::owner_only;

use super::dead_letter::DeadLetter;
use super::progress::Settled;
use super::{SpoolError, SpoolRow, dead_letter_table, entry};

/// "SLUC": a file of ours, and no other's database.
const APPLICATION_ID: i32 = 0x534C_5543;
/// The tables below. A file of a newer version is refused; one of version 1 gets [`TRIED`].
const VERSION: i32 = 2;
/// The largest that SQLite has, in bytes.
const PAGE_BYTES: u32 = 65_536;
/// The write-ahead log is copied into the file at this size: larger means fewer copies, as
/// most chunks are gone by then, and longer waits when it happens.
const LOG_BYTES: u32 = 8 << 20;
/// The facts that a spool keeps: where its items go, and how far it came.
pub(super) const FACTS: [&str; 2] = [DESTINATION, HEAD];
pub(super) const DESTINATION: &str = "destination";
pub(super) const HEAD: &str = "head";
/// How long another process, that looks at dead letters, may hold us up.
const PATIENCE: Duration = Duration::from_secs(5);

const TABLES: &str = "
    create table if not exists chunks (
        number integer primary key,
        created_ms integer not null,
        items integer not null,
        bytes integer not null,
        settled blob
    );
    create table if not exists contents (number integer primary key, bytes blob not null);
    create table if not exists retries (
        chunk integer not null, item integer not null,
        requests integer not null, failures integer not null,
        first_ms integer, next_ms integer not null,
        tried_ms integer not null default 0,
        primary key (chunk, item)
    ) without rowid;
    create table if not exists letters (
        number integer primary key autoincrement,
        at_ms integer not null,
        why text not null, reason text not null, field text not null,
        answer text not null, message text not null,
        requests integer not null, failures integer not null, first_ms integer,
        again integer not null,
        event_type text not null, person text not null, bytes integer not null,
        entry blob not null
    );
    create index if not exists letters_again on letters (number) where again = 1;
    create table if not exists letter_bodies (number integer primary key, body blob not null);
    create table if not exists facts (name text primary key, value text not null) without rowid;";

/// Files of version 1 don't say how much time was spent on an item: it counts as none.
const TRIED: &str = "alter table retries add column tried_ms integer not null default 0";

/// The tables of one spool.
#[derive(Debug)]
pub(super) struct Store {
    db: Connection,
}

/// A chunk as the table has it, without its contents.
#[derive(Debug)]
pub(super) struct ChunkRow {
    pub(super) number: u64,
    pub(super) created_ms: UnixMs,
    pub(super) items: u32,
    pub(super) bytes: u64,
    pub(super) settled: Option<Vec<u8>>,
}

/// The contents of a chunk: the length of its index, the index, and its items' bytes.
pub(super) struct Contents<'s> {
    blob: Blob<'s>,
    index_bytes: usize,
}

/// The length of the index is written in so many bytes.
const LENGTH_BYTES: usize = size_of::<u32>();

impl Contents<'_> {
    pub(super) fn index(&self) -> rusqlite::Result<Vec<u8>> {
        self.at(LENGTH_BYTES, self.index_bytes)
    }

    /// Bytes of its items, from `start`, `length` of them: fewer where there are no more.
    pub(super) fn bodies(&self, start: usize, length: usize) -> rusqlite::Result<Vec<u8>> {
        self.at(LENGTH_BYTES + self.index_bytes + start, length)
    }

    fn at(&self, start: usize, length: usize) -> rusqlite::Result<Vec<u8>> {
        let left = self.blob.len().saturating_sub(start);
        let mut bytes = vec![0; length.min(left)];
        self.blob
            .read_at_exact(&mut bytes, start.min(self.blob.len()))?;
        Ok(bytes)
    }
}

/// What the table knows of an item that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RetryRow {
    pub(super) position: SpoolPosition,
    pub(super) history: History,
    pub(super) next_ms: UnixMs,
}

/// All that is written in one step.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// A chunk to add: its number, and when it was made.
    pub(super) chunk: Option<(u64, UnixMs)>,
    /// What is in it.
    pub(super) items: Vec<Accepted>,
    /// Chunks that are settled whole.
    pub(super) finished: Vec<u64>,
    pub(super) retries: Vec<RetryRow>,
    pub(super) letters: Vec<DeadLetter>,
    /// Letters that go back into the spool, or whose time is over, with their size in bytes.
    pub(super) gone_letters: Vec<(i64, u64)>,
    pub(super) facts: Vec<(&'static str, String)>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.chunk.is_none()
            && self.finished.is_empty()
            && self.retries.is_empty()
            && self.letters.is_empty()
            && self.gone_letters.is_empty()
            && self.facts.is_empty()
    }
}

/// The file in a spool's folder.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("spool.db")
}

/// Opens a file that another process may be writing to.
pub(super) fn open_beside(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.busy_timeout(PATIENCE)?;
    Ok(db)
}

/// Refuses a file that is not ours, or of a version that is not known yet.
pub(super) fn check_version(db: &Connection, path: &Path) -> Result<(), SpoolError> {
    let failed = |source| SpoolError::Database {
        path: path.to_owned(),
        source,
    };
    let read = |pragma| db.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let version = read("user_version").map_err(failed)?;
    let application = read("application_id").map_err(failed)?;
    if version > VERSION || (version > 0 && application != APPLICATION_ID) {
        return Err(SpoolError::Foreign {
            path: path.to_owned(),
        });
    }
    Ok(())
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, SpoolError> {
        let failed = |source| SpoolError::Database {
            path: path.to_owned(),
            source,
        };
        // Where it can't be made, opening it says so.
        let _ = owner_only::prepare_database(path);
        let db = Connection::open(path).map_err(failed)?;
        check_version(&db, path)?;
        Self::on(db).map_err(failed)
    }

    /// The tables on a connection, which is set up for them.
    pub(super) fn on(db: Connection) -> rusqlite::Result<Self> {
        db.busy_timeout(PATIENCE)?;
        db.pragma_update(None, "page_size", PAGE_BYTES)?;
        db.pragma_update(None, "journal_mode", "wal")?;
        // A commit is on disk before it returns, through a power cut too.
        db.pragma_update(None, "synchronous", "full")?;
        db.pragma_update(None, "wal_autocheckpoint", LOG_BYTES / PAGE_BYTES)?;
        db.pragma_update(None, "journal_size_limit", i64::from(LOG_BYTES))?;
        // What a statement needs for itself must not need another disk.
        db.pragma_update(None, "temp_store", "memory")?;
        // In KiB: a chunk, and what it takes to find its place.
        db.pragma_update(None, "cache_size", -4_096)?;
        let made = db.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))?;
        if made < VERSION {
            let transaction = db.unchecked_transaction()?;
            if made == 1 {
                transaction.execute_batch(TRIED)?;
            }
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        }
        Ok(Self { db })
    }

    /// The tables on a connection that may be damaged: nothing is looked at.
    pub(super) fn unchecked(db: Connection) -> Self {
        Self { db }
    }

    pub(super) fn db(&self) -> &Connection {
        &self.db
    }

    /// Writes it all, durably, or nothing of it. `progress` is what is settled of chunks that
    /// are not finished.
    pub(super) fn write<'p>(
        &mut self,
        changes: &Changes,
        progress: impl Iterator<Item = (u64, &'p [u8])>,
    ) -> rusqlite::Result<()> {
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some((number, created_ms)) = changes.chunk {
            add_chunk(&transaction, number, created_ms, &changes.items)?;
        }
        for (number, bits) in progress {
            transaction
                .prepare_cached("update chunks set settled = ? where number = ?")?
                .execute((bits, number))?;
        }
        for retry in &changes.retries {
            put_retry(&transaction, retry)?;
        }
        for number in &changes.finished {
            remove_chunk(&transaction, *number)?;
        }
        for letter in &changes.letters {
            dead_letter_table::insert(&transaction, letter)?;
        }
        for (number, _) in &changes.gone_letters {
            dead_letter_table::remove(&transaction, *number)?;
        }
        for (name, value) in &changes.facts {
            transaction
                .prepare_cached("insert or replace into facts values (?, ?)")?
                .execute((name, value))?;
        }
        transaction.commit()
    }

    /// When the oldest chunk was made.
    pub(super) fn oldest(&self) -> rusqlite::Result<Option<UnixMs>> {
        self.db
            .prepare_cached("select created_ms from chunks order by number limit 1")?
            .query_row([], |row| row.get(0))
            .optional()
    }

    /// Every chunk by number, with its items, its bytes and what is settled of it.
    pub(super) fn each_chunk(
        &self,
        mut take: impl FnMut(u64, u32, u64, Option<Vec<u8>>),
    ) -> rusqlite::Result<()> {
        let mut statement = self
            .db
            .prepare("select number, items, bytes, settled from chunks order by number")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        }
        Ok(())
    }

    /// How the spool stands, from its tables alone.
    pub(super) fn row(&self) -> rusqlite::Result<SpoolRow> {
        let mut row = SpoolRow {
            oldest_ms: self.oldest()?,
            ..SpoolRow::default()
        };
        self.each_chunk(|_, items, bytes, stored| {
            row.items += u64::from(Settled::new(items, stored).left());
            row.bytes += bytes;
        })?;
        (row.letters, row.letter_bytes) = dead_letter_table::counts(&self.db)?;
        Ok(row)
    }

    /// The first chunk behind `number`.
    pub(super) fn chunk_after(&self, number: u64) -> rusqlite::Result<Option<ChunkRow>> {
        self.chunk("number > ? order by number limit 1", number)
    }

    /// The newest chunk before `number`.
    pub(super) fn chunk_before(&self, number: u64) -> rusqlite::Result<Option<ChunkRow>> {
        self.chunk("number < ? order by number desc limit 1", number)
    }

    /// The chunk with this number.
    pub(super) fn chunk_at(&self, number: u64) -> rusqlite::Result<Option<ChunkRow>> {
        self.chunk("number = ?", number)
    }

    fn chunk(&self, condition: &str, number: u64) -> rusqlite::Result<Option<ChunkRow>> {
        let sql = format!(
            "select number, created_ms, items, bytes, settled from chunks where {condition}"
        );
        self.db
            .prepare_cached(&sql)?
            .query_row([i64::try_from(number).unwrap_or(i64::MAX)], |row| {
                Ok(ChunkRow {
                    number: row.get(0)?,
                    created_ms: row.get(1)?,
                    items: row.get(2)?,
                    bytes: row.get(3)?,
                    settled: row.get(4)?,
                })
            })
            .optional()
    }

    /// The contents of a chunk.
    pub(super) fn contents(&self, number: u64) -> rusqlite::Result<Contents<'_>> {
        let number = number.cast_signed();
        let blob = self
            .db
            .blob_open("main", "contents", "bytes", number, true)?;
        let mut length = [0; LENGTH_BYTES];
        blob.read_at_exact(&mut length, 0)?;
        Ok(Contents {
            blob,
            index_bytes: u32::from_le_bytes(length) as usize,
        })
    }

    /// The number of the first contents behind `number`.
    pub(super) fn contents_after(&self, number: u64) -> rusqlite::Result<Option<u64>> {
        self.number("number > ? order by number", number)
    }

    /// The number of the last contents before `number`.
    pub(super) fn contents_before(&self, number: u64) -> rusqlite::Result<Option<u64>> {
        self.number("number < ? order by number desc", number)
    }

    fn number(&self, condition: &str, number: u64) -> rusqlite::Result<Option<u64>> {
        self.db
            .prepare_cached(&format!(
                "select number from contents where {condition} limit 1"
            ))?
            .query_row([number], |row| row.get(0))
            .optional()
    }

    /// What is known of the items of a chunk that failed before.
    pub(super) fn retries(&self, chunk: u64) -> rusqlite::Result<Vec<RetryRow>> {
        let select = |tried| {
            self.db.prepare_cached(&format!(
                "select item, requests, failures, first_ms, {tried}, next_ms from retries where chunk = ?"
            ))
        };
        // A damaged file of version 1 is read as it is.
        let mut statement = select("tried_ms").or_else(|_| select("0"))?;
        let rows = statement.query_map([chunk], |row| {
            Ok(RetryRow {
                position: SpoolPosition {
                    chunk,
                    item: row.get(0)?,
                },
                history: History {
                    requests: row.get(1)?,
                    failures: row.get(2)?,
                    first_ms: row.get(3)?,
                    tried_ms: row.get(4)?,
                },
                next_ms: row.get(5)?,
            })
        })?;
        rows.collect()
    }

    /// A fact by its name.
    pub(super) fn fact(&self, name: &str) -> rusqlite::Result<Option<String>> {
        self.db
            .query_row("select value from facts where name = ?", [name], |row| {
                row.get(0)
            })
            .optional()
    }

    /// Copies the log into the file, as far as nobody reads what is in it.
    pub(super) fn copy_log(&self) -> rusqlite::Result<()> {
        self.db
            .query_row("pragma wal_checkpoint(restart)", [], |_| Ok(()))
    }

    /// What is free in the file, in bytes.
    pub(super) fn free_bytes(&self) -> rusqlite::Result<u64> {
        let pages: u64 = self
            .db
            .pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        Ok(pages * u64::from(PAGE_BYTES))
    }

    /// A number that changes whenever another process has changed something.
    pub(super) fn version(&self) -> rusqlite::Result<i64> {
        self.db
            .pragma_query_value(None, "data_version", |row| row.get(0))
    }
}

fn add_chunk(
    db: &Transaction<'_>,
    number: u64,
    created_ms: UnixMs,
    items: &[Accepted],
) -> rusqlite::Result<()> {
    let bytes: usize = items.iter().map(|a| a.item.body.len()).sum();
    let index = entry::encode(items.iter());
    let all = LENGTH_BYTES + index.len() + bytes;
    db.prepare_cached("insert into chunks values (?, ?, ?, ?, null)")?
        .execute((number, created_ms, items.len(), bytes))?;
    db.prepare_cached("insert into contents values (?, ?)")?
        .execute((number, ZeroBlob(all as u64)))?;
    // Into its pages piece by piece: the bytes are copied once.
    let mut blob = db.blob_open("main", "contents", "bytes", number.cast_signed(), false)?;
    blob.write_at(&(index.len() as u32).to_le_bytes(), 0)?;
    blob.write_at(&index, LENGTH_BYTES)?;
    let mut at = LENGTH_BYTES + index.len();
    for accepted in items {
        blob.write_at(&accepted.item.body, at)?;
        at += accepted.item.body.len();
    }
    blob.close()
}

fn remove_chunk(db: &Transaction<'_>, number: u64) -> rusqlite::Result<()> {
    for sql in [
        "delete from chunks where number = ?",
        "delete from contents where number = ?",
        "delete from retries where chunk = ?",
    ] {
        db.prepare_cached(sql)?.execute([number])?;
    }
    Ok(())
}

fn put_retry(db: &Transaction<'_>, retry: &RetryRow) -> rusqlite::Result<()> {
    let RetryRow {
        position,
        history,
        next_ms,
    } = retry;
    db.prepare_cached("insert or replace into retries values (?, ?, ?, ?, ?, ?, ?)")?
        .execute((
            position.chunk,
            position.item,
            history.requests,
            history.failures,
            history.first_ms,
            next_ms,
            history.tried_ms,
        ))?;
    Ok(())
}
