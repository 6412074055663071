//! Recognizing damage to a database file.

use rusqlite::ErrorCode;

/// Whether the error means that the file is damaged, and not a full disk or another failure.
pub fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}
