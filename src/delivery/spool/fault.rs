//! Faults of the spool's file, for the operator.

use std::io::{self, ErrorKind};
use std::path::Path;

use rusqlite::{ErrorCode, ffi};

/// The error of a database that was moved: SQLite's own, which it only reports without a log.
pub(super) fn moved() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_READONLY_DBMOVED), None)
}

/// The error of a file beside the database, as SQLite would report it of its own.
pub(super) fn of_file(error: &io::Error) -> rusqlite::Error {
    let code = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ffi::SQLITE_FULL,
        ErrorKind::ReadOnlyFilesystem => ffi::SQLITE_READONLY,
        ErrorKind::PermissionDenied => ffi::SQLITE_PERM,
        ErrorKind::NotFound => ffi::SQLITE_CANTOPEN,
        _ => ffi::SQLITE_IOERR,
    };
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(error.to_string()))
}

/// Describes an error of the spool in `folder`, and what to do.
pub(super) fn describe(error: &rusqlite::Error, folder: &Path) -> String {
    let shown = folder.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => disk_full(folder),
        Some(ErrorCode::ReadOnly) if is_moved(error) => {
            format!(
                "the spool's file was moved or removed from {shown}: put it back, or start again"
            )
        }
        Some(ErrorCode::ReadOnly) => {
            format!("the spool {shown} can't be written to: make it writable")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            format!("the spool {shown} can't be opened any more: check its rights")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("another process holds the spool {shown} for long")
        }
        _ => format!("the spool {shown} can't be used: {error}"),
    }
}

/// The message for a full disk.
pub(super) fn disk_full(folder: &Path) -> String {
    let folder = folder.display();
    format!("the disk with the spool {folder} is full: make room on it")
}

fn is_moved(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|e| e.extended_code == ffi::SQLITE_READONLY_DBMOVED)
}
