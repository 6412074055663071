//! Errors of the ledger.

use std::io;
use std::path::{Path, PathBuf};

/// A ledger that can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A file or folder can't be used.
    #[error("the ledger can't use {path}: {source}", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The key file has other content than a key.
    #[error(
        "{path} is no key of a ledger; restore it, or remove the folder to begin a new ledger",
        path = path.display()
    )]
    NoKey {
        /// The key file.
        path: PathBuf,
    },
    /// The ledger has another key than the others of its group, or than those that are read with it.
    #[error(
        "{path} is another key than that of the group: its ledger can't be read together with the others; move its folder away to begin a new one",
        path = path.display()
    )]
    OtherKey {
        /// The key file.
        path: PathBuf,
    },
}

impl LedgerError {
    /// The error of a file.
    pub(super) fn of(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}
