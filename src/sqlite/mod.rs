//! The parts that the SQLite files of the spool and of a relay's log have in common: telling
//! damage from other errors, replacing a damaged file, and noting beside a file how far it came.

pub mod note;
pub mod replacement;

use rusqlite::ErrorCode;

/// Whether an error is the file's damage, and not the disk's fullness or the like.
pub fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}
