//! The tables of a log, and their rows. Each row has a checksum, because SQLite does not detect a
//! bit that the disk has flipped.

use bytestring::ByteString;
use rusqlite::{Connection, Row, Transaction, ffi, params};
use uuid::Uuid;

use crate::amplitude::time;
use crate::sqlite;

use super::position::Position;

/// The size of a page, in bytes.
pub(super) const PAGE_BYTES: usize = 16_384;

const TABLES: &str = "
    create table if not exists messages
        (id blob primary key, text text not null, sum integer) without rowid;
    create table if not exists acknowledged
        (name text primary key, id blob not null, heard_ms integer not null default 0, sum integer)
        without rowid;";
/// Columns that files of earlier versions lack: table, column, statement that adds it. Rows without
/// a checksum count as sound.
const ADDED_COLUMNS: [(&str, &str, &str); 3] = [
    (
        "acknowledged",
        "heard_ms",
        "alter table acknowledged add column heard_ms integer not null default 0",
    ),
    (
        "acknowledged",
        "sum",
        "alter table acknowledged add column sum integer",
    ),
    (
        "messages",
        "sum",
        "alter table messages add column sum integer",
    ),
];

/// Prepares a connection for writing, and creates missing tables and columns.
pub(super) fn prepare(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "page_size", PAGE_BYTES as u32)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.execute_batch(TABLES)?;
    for (table, column, add) in ADDED_COLUMNS {
        let has = "select count(*) from pragma_table_info(?1) where name = ?2";
        if db.query_row(has, [table, column], |row| row.get::<_, u64>(0))? == 0 {
            db.execute(add, [])?;
        }
    }
    // Files of earlier versions don't say when a client was last seen: its month starts now.
    let new = "update acknowledged set heard_ms = ?1 where heard_ms = 0 and sum is null";
    db.execute(new, [time::now()])?;
    Ok(())
}

/// The columns of [`message`].
pub(super) const MESSAGE: &str = "id, text, sum";
/// The columns of [`position`].
pub(super) const POSITION: &str = "name, id, heard_ms, sum";

/// Reads a message; an error if it is damaged.
pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<(Uuid, ByteString)> {
    let (id, text): ([u8; 16], String) = (row.get(0)?, row.get(1)?);
    verify(row.get(2)?, message_sum(id, &text))?;
    Ok((Uuid::from_bytes(id), text.into()))
}

/// Reads a client's name and position; an error if the row is damaged.
pub(super) fn position(row: &Row<'_>) -> rusqlite::Result<(String, Position)> {
    let (name, id): (String, [u8; 16]) = (row.get(0)?, row.get(1)?);
    let position = Position {
        id: Uuid::from_bytes(id),
        last_seen_ms: row.get(2)?,
    };
    verify(row.get(3)?, position_sum(&name, position))?;
    Ok((name, position))
}

/// Writes messages.
pub(super) fn put_messages(
    transaction: &Transaction<'_>,
    messages: &[(Uuid, ByteString)],
) -> rusqlite::Result<()> {
    let into = "insert into messages (id, text, sum) values (?1, ?2, ?3)";
    let mut insert = transaction.prepare_cached(into)?;
    for (id, text) in messages {
        let sum = message_sum(*id.as_bytes(), text);
        insert.execute(params![id.as_bytes(), &**text, sum])?;
    }
    Ok(())
}

/// Writes the position of a client, or deletes it for `None`.
pub(super) fn put_position(
    transaction: &Transaction<'_>,
    name: &str,
    position: Option<Position>,
) -> rusqlite::Result<()> {
    let Some(at) = position else {
        let mut delete = transaction.prepare_cached("delete from acknowledged where name = ?1")?;
        return delete.execute([name]).map(drop);
    };
    let into =
        "insert or replace into acknowledged (name, id, heard_ms, sum) values (?1, ?2, ?3, ?4)";
    let mut insert = transaction.prepare_cached(into)?;
    let sum = position_sum(name, at);
    insert
        .execute(params![name, at.id.as_bytes(), at.last_seen_ms, sum])
        .map(drop)
}

/// Whether the error means that a log's file is damaged: SQLite says so, or a row is not as it was
/// written.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
    };
    sqlite::is_damage(error)
        || matches!(
            error,
            FromSqlConversionFailure(..)
                | IntegralValueOutOfRange(..)
                | InvalidColumnType(..)
                | Utf8Error(..)
        )
}

fn verify(stored: Option<u32>, sum: u32) -> rusqlite::Result<()> {
    if stored.is_none_or(|stored| stored == sum) {
        return Ok(());
    }
    let message = "the checksum of a row is wrong".to_owned();
    let code = ffi::Error::new(ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(code, Some(message)))
}

fn message_sum(id: [u8; 16], text: &str) -> u32 {
    sum([&id, text.as_bytes()])
}

fn position_sum(name: &str, position: Position) -> u32 {
    let last_seen = position.last_seen_ms.to_le_bytes();
    sum([name.as_bytes(), position.id.as_bytes(), &last_seen])
}

fn sum<const N: usize>(parts: [&[u8]; N]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}
