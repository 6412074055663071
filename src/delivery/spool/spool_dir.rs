//! A spool's folder, and what is open in it besides the store.

use std::path::{Path, PathBuf};

use super::commit_marker::MarkerFile;
use super::lock::Lock;
use super::reserve::Reserve;
use super::store;

/// It is ours as long as this lives.
#[derive(Debug)]
pub(super) struct SpoolDir {
    pub(super) folder: PathBuf,
    pub(super) tail: MarkerFile,
    pub(super) reserve: Reserve,
    /// Which file it is that is open.
    identity: Option<Identity>,
    _lock: Lock,
}

/// A file's device and number: another one in its place has others.
type Identity = (u64, u64);

impl SpoolDir {
    /// The folder whose file has just been opened.
    pub(super) fn new(folder: &Path, tail: MarkerFile, lock: Lock) -> Self {
        Self {
            folder: folder.to_owned(),
            tail,
            reserve: Reserve::open(folder),
            identity: identity(folder),
            _lock: lock,
        }
    }

    /// Another file has been put in the place of the first.
    pub(super) fn renewed(&mut self) {
        self.identity = identity(&self.folder);
    }

    /// Whether the file that is open is not the one in the folder any more. What is written
    /// to it then is gone with the process.
    pub(super) fn is_moved(&self) -> bool {
        self.identity.is_some() && self.identity != identity(&self.folder)
    }
}

#[cfg(unix)]
fn identity(folder: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(store::path(folder)).ok()?;
    Some((file.dev(), file.ino()))
}

/// Elsewhere a file that is open can't be moved.
#[cfg(not(unix))]
fn identity(_folder: &Path) -> Option<Identity> {
    None
}

/// `SQLite`'s own word for it, which it says only where it doesn't keep a log.
pub(super) fn moved() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY_DBMOVED);
    rusqlite::Error::SqliteFailure(code, None)
}

/// Whether an error says that the file is not in its place any more.
pub(super) fn is_moved(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_READONLY_DBMOVED)
}
