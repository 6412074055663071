//! The statements on the table of items that failed.

use rusqlite::{Connection, Transaction};

use crate::amplitude::time::UnixMs;
use crate::delivery::{History, SpoolPosition};

/// An item that failed and is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RetryRow {
    pub(super) position: SpoolPosition,
    pub(super) history: History,
    /// When it is tried again at the earliest.
    pub(super) next_ms: UnixMs,
}

/// The items of a chunk that failed before.
pub(super) fn of_chunk(db: &Connection, chunk: u64) -> rusqlite::Result<Vec<RetryRow>> {
    let select = |tried| {
        db.prepare_cached(&format!(
            "select item, requests, failures, first_ms, {tried}, next_ms from retries where chunk = ?"
        ))
    };
    // A damaged file of version 1 is read without an upgrade.
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

/// Writes the attempts of an item that failed.
pub(super) fn put(db: &Transaction<'_>, retry: &RetryRow) -> rusqlite::Result<()> {
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
