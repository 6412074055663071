//! Folders that only their owner can read.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::rights;

/// Creates a folder, and missing ones above it, for their owner only.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    // The folder of a bare file name.
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    match fs::metadata(folder) {
        Ok(existing) if existing.is_dir() => {
            warn_shared(folder, &existing);
            Ok(())
        }
        _ => rights::make_folder(folder),
    }
}

/// A warning if others have access to a folder.
pub fn shared(folder: &Path) -> Option<String> {
    let existing = fs::metadata(folder).ok()?;
    rights::shared(folder, &existing)
}

/// Warns once for each folder: files are replaced in it again and again.
fn warn_shared(folder: &Path, existing: &fs::Metadata) {
    static WARNED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    if let Some(warning) = rights::shared(folder, existing)
        && WARNED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(folder.to_owned())
    {
        tracing::warn!("{warning}");
    }
}
