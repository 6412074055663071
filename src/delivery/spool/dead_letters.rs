//! Dead letters: what can't be delivered, kept in the spool's file with its reason until
//! someone decides, or until the retention that the settings name is over.
//!
//! Any process may look at them, mark them to be tried again, and discard them, while another
//! one forwards: the forwarder sees the mark, puts the item back into the spool, and removes
//! the letter in the same step.

use std::io::{self, Write};
use std::path::Path;

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::dead_letter_table::{self, HANDFUL, SELECT};
use super::store::{self, Store};
use super::{SpoolError, SpoolRow};

pub use super::dead_letter::{DeadLetter, Group, LetterRow, Which};

/// The dead letters of a spool, for whoever wants to look or to decide.
#[derive(Debug)]
pub struct DeadLetters {
    store: Store,
}

impl DeadLetters {
    /// Opens those in `folder`. There are none where no spool was ever there.
    pub fn open(folder: &Path) -> Result<Option<Self>, SpoolError> {
        let path = store::path(folder);
        if !path.exists() {
            return Ok(None);
        }
        let db = store::open_beside(&path).map_err(|source| SpoolError::Database {
            path: path.clone(),
            source,
        })?;
        store::check_version(&db, &path)?;
        let store = Store::unchecked(db);
        Ok(Some(Self { store }))
    }

    /// How many there are, by reason and type, the most first.
    pub fn rows(&self) -> rusqlite::Result<Vec<LetterRow>> {
        dead_letter_table::rows(self.store.db(), u32::MAX)
    }

    /// Some of them, the newest first, from `skip` on.
    pub fn page(&self, which: &Which, skip: u64, most: u64) -> rusqlite::Result<Vec<DeadLetter>> {
        let (condition, values) = which.condition();
        let sql = format!(
            "{SELECT} where {condition} order by letters.number desc limit {most} offset {skip}"
        );
        dead_letter_table::read(self.store.db(), &sql, values)
    }

    /// Hands each of them to `take`, the oldest first, a handful at a time.
    fn each<E: From<rusqlite::Error>>(
        &self,
        which: &Which,
        take: impl FnMut(DeadLetter) -> Result<(), E>,
    ) -> Result<u64, E> {
        dead_letter_table::each(self.store.db(), which, take)
    }

    /// Writes each of them as NDJSON, the oldest first; how many there are. They stay.
    pub fn export(&self, which: &Which, to: &mut dyn Write) -> io::Result<u64> {
        self.each(which, |letter| {
            writeln!(to, "{}", letter.to_line()).map_err(Failed::Write)
        })
        .map_err(|failed| match failed {
            Failed::Write(error) => error,
            Failed::Read(error) => io::Error::other(error),
        })
    }

    /// How many of these there are.
    pub fn count(&self, which: &Which) -> rusqlite::Result<u64> {
        let (condition, values) = which.condition();
        let sql = format!("select count(*) from letters where {condition}");
        self.store
            .db()
            .query_row(&sql, params_from_iter(values), |row| row.get(0))
    }

    /// How the spool beside them stands, from its file alone.
    pub fn spool_row(&self) -> rusqlite::Result<SpoolRow> {
        self.store.row()
    }

    /// Marks them to be tried again; how many were not marked before.
    pub fn try_again(&self, which: &Which) -> rusqlite::Result<u64> {
        let (condition, values) = which.condition();
        let sql = format!(
            "update letters set again = 1 where number in
             (select number from letters where {condition} and again = 0 limit {HANDFUL})"
        );
        self.by_handfuls(&[&sql], &values)
    }

    /// Removes them for good; how many there were.
    pub fn discard(&self, which: &Which) -> rusqlite::Result<u64> {
        let (condition, values) = which.condition();
        let chosen = format!(
            "(select number from letters where {condition} order by number limit {HANDFUL})"
        );
        let bodies = format!("delete from letter_bodies where number in {chosen}");
        let letters = format!("delete from letters where number in {chosen}");
        self.by_handfuls(&[&bodies, &letters], &values)
    }

    /// Runs the statements in one transaction each time, until the last one changes nothing.
    fn by_handfuls(&self, statements: &[&str], values: &[Value]) -> rusqlite::Result<u64> {
        let mut all = 0;
        loop {
            let transaction = self.store.db().unchecked_transaction()?;
            let mut changed = 0;
            for sql in statements {
                changed = transaction.execute(sql, params_from_iter(values))?;
            }
            transaction.commit()?;
            all += changed as u64;
            if changed < HANDFUL {
                return Ok(all);
            }
        }
    }
}

/// Why an export broke off.
enum Failed {
    Write(io::Error),
    Read(rusqlite::Error),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Read(error)
    }
}
