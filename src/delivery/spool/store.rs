//! The spool's database: writing changes in one transaction, and facts about the whole file.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use crate::amplitude::time::UnixMs;
use crate::delivery::Accepted;

use super::chunk_table;
use super::dead_letter::DeadLetter;
use super::dead_letter_table;
use super::error::SpoolError;
use super::progress::SettledItems;
use super::retry_table::{self, RetryRow};
use super::schema;
use super::status::SpoolStatus;

/// The names of the facts in the file: the destination of its items, and its metadata.
pub(super) const FACTS: [&str; 2] = [DESTINATION, METADATA];
pub(super) const DESTINATION: &str = "destination";
pub(super) const METADATA: &str = "head";

/// The database of one spool.
#[derive(Debug)]
pub(super) struct Store {
    db: Connection,
}

/// Changes that are written in one transaction.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The chunk to add: its number, and when it was created.
    pub(super) chunk: Option<(u64, UnixMs)>,
    /// The items of that chunk.
    pub(super) items: Vec<Accepted>,
    /// Whether a file has the contents of that chunk.
    pub(super) has_file: bool,
    /// Chunks of which every item is settled.
    pub(super) finished: Vec<u64>,
    pub(super) retries: Vec<RetryRow>,
    /// Dead letters to add.
    pub(super) dead_letters: Vec<DeadLetter>,
    /// Numbers and sizes in bytes of dead letters that return to the spool, or whose retention
    /// is over.
    pub(super) removed_dead_letters: Vec<(i64, u64)>,
    pub(super) facts: Vec<(&'static str, String)>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.chunk.is_none()
            && self.finished.is_empty()
            && self.retries.is_empty()
            && self.dead_letters.is_empty()
            && self.removed_dead_letters.is_empty()
            && self.facts.is_empty()
    }
}

impl Store {
    /// Opens a file, which is created where it doesn't exist.
    pub(super) fn open(path: &Path) -> Result<Self, SpoolError> {
        schema::open(path).map(|db| Self { db })
    }

    /// Uses a connection, on which the tables are created.
    pub(super) fn on(db: Connection) -> rusqlite::Result<Self> {
        schema::prepare(&db)?;
        Ok(Self { db })
    }

    /// Uses a connection whose file may be damaged: nothing is checked.
    pub(super) fn unchecked(db: Connection) -> Self {
        Self { db }
    }

    pub(super) fn db(&self) -> &Connection {
        &self.db
    }

    /// Writes all changes durably, or none. `progress` are the settled bits of chunks that are
    /// not finished.
    pub(super) fn write<'p>(
        &mut self,
        changes: &Changes,
        progress: impl Iterator<Item = (u64, &'p [u8])>,
    ) -> rusqlite::Result<()> {
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some((number, created_ms)) = changes.chunk {
            chunk_table::add(&transaction, number, created_ms, &changes.items)?;
            if !changes.has_file {
                chunk_table::add_contents(&transaction, number, &changes.items)?;
            }
        }
        for (number, bits) in progress {
            chunk_table::set_settled(&transaction, number, bits)?;
        }
        for retry in &changes.retries {
            retry_table::put(&transaction, retry)?;
        }
        for number in &changes.finished {
            chunk_table::remove(&transaction, *number)?;
        }
        for letter in &changes.dead_letters {
            dead_letter_table::insert(&transaction, letter)?;
        }
        for (number, _) in &changes.removed_dead_letters {
            dead_letter_table::remove(&transaction, *number)?;
        }
        for (name, value) in &changes.facts {
            transaction
                .prepare_cached("insert or replace into facts values (?, ?)")?
                .execute((name, value))?;
        }
        transaction.commit()
    }

    /// The state of the spool, from its tables alone.
    pub(super) fn status(&self) -> rusqlite::Result<SpoolStatus> {
        let mut status = SpoolStatus {
            oldest_ms: chunk_table::oldest(&self.db)?,
            ..SpoolStatus::default()
        };
        chunk_table::each(&self.db, |chunk| {
            status.items += u64::from(SettledItems::new(chunk.items, chunk.settled).left());
            status.bytes += chunk.bytes;
        })?;
        (status.dead_letters, status.dead_letter_bytes) = dead_letter_table::counts(&self.db)?;
        Ok(status)
    }

    /// The fact with this name.
    pub(super) fn fact(&self, name: &str) -> rusqlite::Result<Option<String>> {
        self.db
            .query_row("select value from facts where name = ?", [name], |row| {
                row.get(0)
            })
            .optional()
    }

    /// Copies the log into the file, as far as no reader needs it.
    pub(super) fn copy_log(&self) -> rusqlite::Result<()> {
        self.db
            .query_row("pragma wal_checkpoint(restart)", [], |_| Ok(()))
    }

    /// Free space in the file, in bytes.
    pub(super) fn free_bytes(&self) -> rusqlite::Result<u64> {
        let read = |pragma| self.db.pragma_query_value(None, pragma, |row| row.get(0));
        let (pages, page_bytes): (u64, u64) = (read("freelist_count")?, read("page_size")?);
        Ok(pages * page_bytes)
    }

    /// A number that changes whenever another process has written to the file.
    pub(super) fn data_version(&self) -> rusqlite::Result<i64> {
        self.db
            .pragma_query_value(None, "data_version", |row| row.get(0))
    }
}
