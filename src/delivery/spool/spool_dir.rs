//! The spool's folder, and the files in it besides the database.

use std::path::{Path, PathBuf};

use super::chunk_files::ChunkFiles;
use super::commit_marker::MarkerFile;
use super::lock::FolderLock;
use super::reserve::Reserve;

/// A folder that is locked as long as this lives.
#[derive(Debug)]
pub(super) struct SpoolDir {
    pub(super) folder: PathBuf,
    pub(super) marker: MarkerFile,
    pub(super) reserve: Reserve,
    pub(super) chunk_files: ChunkFiles,
    /// The database file that is open.
    identity: Option<Identity>,
    _lock: FolderLock,
}

/// A file's device and inode number: another file in its place has others.
type Identity = (u64, u64);

impl SpoolDir {
    /// The folder whose database has just been opened.
    pub(super) fn new(
        folder: &Path,
        marker: MarkerFile,
        chunk_files: ChunkFiles,
        lock: FolderLock,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            marker,
            chunk_files,
            reserve: Reserve::open(folder),
            identity: identity(folder),
            _lock: lock,
        }
    }

    /// Takes note that the database was replaced by another file.
    pub(super) fn database_replaced(&mut self) {
        self.identity = identity(&self.folder);
    }

    /// Whether the open database is no longer the one in the folder. What is written to it would
    /// be gone with the process.
    pub(super) fn is_moved(&self) -> bool {
        self.identity.is_some() && self.identity != identity(&self.folder)
    }
}

/// The database in a spool's folder.
pub(super) fn database(folder: &Path) -> PathBuf {
    folder.join("spool.db")
}

#[cfg(unix)]
fn identity(folder: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(database(folder)).ok()?;
    Some((file.dev(), file.ino()))
}

/// On other systems an open file can't be moved.
#[cfg(not(unix))]
fn identity(_folder: &Path) -> Option<Identity> {
    None
}
