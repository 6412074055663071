//! Recognizing damage to a file.

use rusqlite::ErrorCode;

/// Whether an error means that the file is damaged, and not that the disk is full or the like.
pub fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}
