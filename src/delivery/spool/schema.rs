//! The spool's tables in SQLite, and opening a file with them.
//!
//! The contents of a small chunk, its index and its items' bytes, have a table of their own. So the
//! rest can be read, and its progress written, without touching them, and either table is of use
//! where the other is damaged. Those of a large chunk have a file of their own.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::owner_only;

use super::error::SpoolError;

/// "SLUC" marks a file of this program.
const APPLICATION_ID: i32 = 0x534C_5543;
/// The version of [`TABLES`], and of what is beside them. A newer file is refused; one of version 1
/// gets [`ADD_TRIED`]. Those before 3 know of no files for chunks.
const VERSION: i32 = 3;
/// Page size of a new file; an older one keeps its own. Each commit writes a few pages of the small
/// tables whole.
const PAGE_BYTES: u32 = 8_192;
/// Size at which the write-ahead log is copied into the file. A larger log is copied less often,
/// as most chunks are gone by then, and each copy takes longer.
const LOG_BYTES: u32 = 8 << 20;
/// Maximum wait for another process that looks at dead letters.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

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

/// Version 1 did not record the time spent on an item: it counts as none.
const ADD_TRIED: &str = "alter table retries add column tried_ms integer not null default 0";

/// Opens a spool's file, which is created where it doesn't exist.
pub(super) fn open(path: &Path) -> Result<Connection, SpoolError> {
    let failed = |source| SpoolError::Database {
        path: path.to_owned(),
        source,
    };
    // Where it can't be created, opening it reports that.
    let _ = owner_only::prepare_database(path);
    let db = Connection::open(path).map_err(failed)?;
    check_version(&db, path)?;
    prepare(&db).map_err(failed)?;
    Ok(db)
}

/// Opens a file that another process may be writing to.
pub(super) fn open_shared(path: &Path) -> Result<Connection, SpoolError> {
    let failed = |source| SpoolError::Database {
        path: path.to_owned(),
        source,
    };
    let db =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    db.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    check_version(&db, path)?;
    Ok(db)
}

/// Refuses a file of another program, or of a newer version.
fn check_version(db: &Connection, path: &Path) -> Result<(), SpoolError> {
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

/// Configures a connection, and creates or upgrades the tables.
pub(super) fn prepare(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "page_size", PAGE_BYTES)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    // A commit is on disk before it returns, through a power cut too.
    db.pragma_update(None, "synchronous", "full")?;
    let page_bytes: u32 = db.pragma_query_value(None, "page_size", |row| row.get(0))?;
    db.pragma_update(None, "wal_autocheckpoint", LOG_BYTES / page_bytes)?;
    db.pragma_update(None, "journal_size_limit", i64::from(LOG_BYTES))?;
    // Temporary tables must not need another disk.
    db.pragma_update(None, "temp_store", "memory")?;
    // In KiB: the chunks that are on their way. Freeing a chunk reads its pages, if they are not here.
    db.pragma_update(None, "cache_size", -2_048)?;
    let version = db.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))?;
    if version < VERSION {
        let transaction = db.unchecked_transaction()?;
        if version == 1 {
            transaction.execute_batch(ADD_TRIED)?;
        }
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok(())
}
