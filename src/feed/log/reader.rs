//! Reading a log while it is written.

use std::path::Path;

use bytestring::ByteString;
use rusqlite::{Connection, OpenFlags, params};
use uuid::Uuid;

use super::rows;

/// A read-only connection to a log.
#[derive(Debug)]
pub struct LogReader {
    db: Connection,
    /// The generation of the file that it reads.
    pub generation: u64,
}

impl LogReader {
    pub(super) fn open(file: &Path, generation: u64) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(file, flags)?;
        Ok(Self { db, generation })
    }

    /// Returns at most `limit` messages after this id, oldest first; an error if one of them is
    /// damaged.
    pub fn after(&self, id: Uuid, limit: u32) -> rusqlite::Result<Vec<(Uuid, ByteString)>> {
        let select = format!(
            "select {} from messages where id > ?1 order by id limit ?2",
            rows::MESSAGE
        );
        let mut select = self.db.prepare_cached(&select)?;
        let found = select.query_map(params![id.as_bytes(), limit], rows::message)?;
        found.collect()
    }

    /// Whether the error means that the file is damaged.
    pub fn is_damage(error: &rusqlite::Error) -> bool {
        rows::is_damage(error)
    }

    /// Closes the file, so that another can replace it. Reads return nothing from then on.
    pub fn close(&mut self) {
        // Fails only without memory, when nothing else works either.
        if let Ok(empty) = Connection::open_in_memory() {
            self.db = empty;
        }
    }
}
