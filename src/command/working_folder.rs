//! The folder that the program was started in.

use std::path::PathBuf;

/// Returns the folder that exports are written to.
pub(super) fn working_folder() -> PathBuf {
    // A folder that was removed has no name: writing to it then says so.
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}
