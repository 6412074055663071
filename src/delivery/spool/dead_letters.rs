//! Access to dead letters: items that can't be delivered, kept in the spool's file with their
//! reason until someone decides, or until their retention is over.
//!
//! Any process may read them, mark them for a retry, and discard them while another one forwards.
//! The forwarder notices the mark, returns the item to the spool, and removes the dead letter in
//! the same step.

use std::io::{self, Write};
use std::path::Path;

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::dead_letter_table::{self, ROWS_AT_A_TIME, SELECT, condition};
use super::error::SpoolError;
use super::status::SpoolStatus;
use super::store::Store;
use super::{schema, spool_dir};

pub use super::dead_letter::{DeadLetter, DeadLetterGroup, DeadLetterRow, DeadLetterSelection};
pub use super::dead_letter_line::DeadLetterKey;

/// The dead letters of a spool.
#[derive(Debug)]
pub struct DeadLetters {
    store: Store,
}

impl DeadLetters {
    /// Opens the dead letters in `folder`; none where there is no spool.
    pub fn open(folder: &Path) -> Result<Option<Self>, SpoolError> {
        let path = spool_dir::database(folder);
        if !path.exists() {
            return Ok(None);
        }
        let store = Store::unchecked(schema::open_shared(&path)?);
        Ok(Some(Self { store }))
    }

    /// Their numbers by reason and type, the most frequent first.
    pub fn rows(&self) -> rusqlite::Result<Vec<DeadLetterRow>> {
        dead_letter_table::rows(self.store.db(), u32::MAX)
    }

    /// Reads up to `most` of them, the newest first, after `skip`.
    pub fn page(
        &self,
        selection: &DeadLetterSelection,
        skip: u64,
        most: u64,
    ) -> rusqlite::Result<Vec<DeadLetter>> {
        let (condition, values) = condition(selection);
        let sql = format!(
            "{SELECT} where {condition} order by letters.number desc limit {most} offset {skip}"
        );
        dead_letter_table::read(self.store.db(), &sql, values)
    }

    /// Writes each of them as NDJSON, the oldest first, and keeps them. Returns their number.
    pub fn export(&self, selection: &DeadLetterSelection, to: &mut dyn Write) -> io::Result<u64> {
        dead_letter_table::each(self.store.db(), selection, |letter| {
            writeln!(to, "{}", letter.to_line()).map_err(ExportError::Write)
        })
        .map_err(|failed| match failed {
            ExportError::Write(error) => error,
            ExportError::Read(error) => io::Error::other(error),
        })
    }

    /// The number of dead letters in a selection.
    pub fn count(&self, selection: &DeadLetterSelection) -> rusqlite::Result<u64> {
        let (condition, values) = condition(selection);
        let sql = format!("select count(*) from letters where {condition}");
        self.store
            .db()
            .query_row(&sql, params_from_iter(values), |row| row.get(0))
    }

    /// The state of their spool, from its file alone.
    pub fn spool_status(&self) -> rusqlite::Result<SpoolStatus> {
        self.store.status()
    }

    /// Marks them for a retry. Returns how many were not marked before.
    pub fn retry(&self, selection: &DeadLetterSelection) -> rusqlite::Result<u64> {
        let (condition, values) = condition(selection);
        let sql = format!(
            "update letters set again = 1 where number in
             (select number from letters where {condition} and again = 0 limit {ROWS_AT_A_TIME})"
        );
        self.in_steps(&[&sql], &values)
    }

    /// Removes them for good. Returns how many there were.
    pub fn discard(&self, selection: &DeadLetterSelection) -> rusqlite::Result<u64> {
        let (condition, values) = condition(selection);
        let chosen = format!(
            "(select number from letters where {condition} order by number limit {ROWS_AT_A_TIME})"
        );
        let bodies = format!("delete from letter_bodies where number in {chosen}");
        let letters = format!("delete from letters where number in {chosen}");
        self.in_steps(&[&bodies, &letters], &values)
    }

    /// Runs the statements in one transaction after the other, until the last statement changes
    /// fewer rows than it may. Returns the number of rows that it changed.
    fn in_steps(&self, statements: &[&str], values: &[Value]) -> rusqlite::Result<u64> {
        let mut all = 0;
        loop {
            let transaction = self.store.db().unchecked_transaction()?;
            let mut changed = 0;
            for sql in statements {
                changed = transaction.execute(sql, params_from_iter(values))?;
            }
            transaction.commit()?;
            all += changed as u64;
            if changed < ROWS_AT_A_TIME {
                return Ok(all);
            }
        }
    }
}

/// The reason why an export stopped.
enum ExportError {
    Write(io::Error),
    Read(rusqlite::Error),
}

impl From<rusqlite::Error> for ExportError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Read(error)
    }
}
