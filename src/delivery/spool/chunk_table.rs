//! The statements on the tables of chunks and their contents.

use rusqlite::blob::{Blob, ZeroBlob};
use rusqlite::{Connection, OptionalExtension as _, Transaction};

use crate::amplitude::time::UnixMs;
use crate::delivery::Accepted;

use super::entry;

/// Size of the index's length, which contents in the database begin with.
pub(super) const LENGTH_BYTES: usize = size_of::<u32>();

/// A chunk without its contents.
#[derive(Debug)]
pub(super) struct ChunkRow {
    pub(super) number: u64,
    pub(super) created_ms: UnixMs,
    /// Number of its items, settled ones included.
    pub(super) items: u32,
    /// Size of its items' bytes.
    pub(super) bytes: u64,
    /// A bit for each item that is settled.
    pub(super) settled: Option<Vec<u8>>,
}

/// The contents of a chunk in the database; none where there are none.
pub(super) fn blob(db: &Connection, number: u64) -> rusqlite::Result<Option<Blob<'_>>> {
    let exists = db
        .prepare_cached("select 1 from contents where number = ?")?
        .exists([number])?;
    if !exists {
        return Ok(None);
    }
    db.blob_open("main", "contents", "bytes", number.cast_signed(), true)
        .map(Some)
}

/// The number of the first contents behind `number`.
pub(super) fn contents_after(db: &Connection, number: u64) -> rusqlite::Result<Option<u64>> {
    contents_number(db, "number > ? order by number", number)
}

/// The number of the last contents before `number`.
pub(super) fn contents_before(db: &Connection, number: u64) -> rusqlite::Result<Option<u64>> {
    contents_number(db, "number < ? order by number desc", number)
}

fn contents_number(db: &Connection, condition: &str, number: u64) -> rusqlite::Result<Option<u64>> {
    db.prepare_cached(&format!(
        "select number from contents where {condition} limit 1"
    ))?
    .query_row([number], |row| row.get(0))
    .optional()
}

/// When the oldest chunk was created.
pub(super) fn oldest(db: &Connection) -> rusqlite::Result<Option<UnixMs>> {
    db.prepare_cached("select created_ms from chunks order by number limit 1")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// Calls `take` with each chunk, by number.
pub(super) fn each(db: &Connection, mut take: impl FnMut(ChunkRow)) -> rusqlite::Result<()> {
    let mut statement =
        db.prepare("select number, created_ms, items, bytes, settled from chunks order by number")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(chunk_row(row)?);
    }
    Ok(())
}

/// The first chunk behind `number`.
pub(super) fn after(db: &Connection, number: u64) -> rusqlite::Result<Option<ChunkRow>> {
    find(db, "number > ? order by number limit 1", number)
}

/// The newest chunk before `number`.
pub(super) fn before(db: &Connection, number: u64) -> rusqlite::Result<Option<ChunkRow>> {
    find(db, "number < ? order by number desc limit 1", number)
}

/// The chunk with this number.
pub(super) fn at(db: &Connection, number: u64) -> rusqlite::Result<Option<ChunkRow>> {
    find(db, "number = ?", number)
}

fn find(db: &Connection, condition: &str, number: u64) -> rusqlite::Result<Option<ChunkRow>> {
    let sql =
        format!("select number, created_ms, items, bytes, settled from chunks where {condition}");
    db.prepare_cached(&sql)?
        .query_row([i64::try_from(number).unwrap_or(i64::MAX)], chunk_row)
        .optional()
}

fn chunk_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<ChunkRow> {
    Ok(ChunkRow {
        number: row.get(0)?,
        created_ms: row.get(1)?,
        items: row.get(2)?,
        bytes: row.get(3)?,
        settled: row.get(4)?,
    })
}

/// Adds a chunk with these items, whose contents are elsewhere.
pub(super) fn add(
    db: &Transaction<'_>,
    number: u64,
    created_ms: UnixMs,
    items: &[Accepted],
) -> rusqlite::Result<()> {
    db.prepare_cached("insert into chunks values (?, ?, ?, ?, null)")?
        .execute((number, created_ms, items.len(), bytes_of(items)))?;
    Ok(())
}

/// Adds the contents of a chunk.
pub(super) fn add_contents(
    db: &Transaction<'_>,
    number: u64,
    items: &[Accepted],
) -> rusqlite::Result<()> {
    let index = entry::encode(items.iter());
    let all = LENGTH_BYTES + index.len() + bytes_of(items);
    db.prepare_cached("insert into contents values (?, ?)")?
        .execute((number, ZeroBlob(all as u64)))?;
    // Written into its pages item by item: the bytes are copied once.
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

/// Size of the items' bytes.
fn bytes_of(items: &[Accepted]) -> usize {
    items.iter().map(|a| a.item.body.len()).sum()
}

/// Writes which items of a chunk are settled, a bit each.
pub(super) fn set_settled(db: &Transaction<'_>, number: u64, bits: &[u8]) -> rusqlite::Result<()> {
    db.prepare_cached("update chunks set settled = ? where number = ?")?
        .execute((bits, number))?;
    Ok(())
}

/// Removes a chunk, its contents and its retries.
pub(super) fn remove(db: &Transaction<'_>, number: u64) -> rusqlite::Result<()> {
    for sql in [
        "delete from chunks where number = ?",
        "delete from contents where number = ?",
        "delete from retries where chunk = ?",
    ] {
        db.prepare_cached(sql)?.execute([number])?;
    }
    Ok(())
}
