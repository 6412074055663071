//! The errors of a log.

use std::path::{Path, PathBuf};

use super::rows;

/// Why a log can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Its folder or file can't be created or opened.
    #[error("cannot keep messages in {folder}: {source}", folder = folder.display())]
    File {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("the messages in {folder} are in use by another process; give each relay its own folder", folder = folder.display())]
    Taken {
        /// The folder.
        folder: PathBuf,
    },
    /// The thread that writes it can't be started.
    #[error("cannot keep messages: starting the writer thread failed: {source}")]
    NoThread {
        /// The system's error.
        source: std::io::Error,
    },
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Ended,
    /// The messages could not be written, and are not published.
    #[error("{0}")]
    Unwritten(String),
    /// Its file can't be read or written.
    #[error("cannot keep messages in {folder}: {source}", folder = folder.display())]
    Database {
        /// The folder.
        folder: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
}

impl LogError {
    /// Whether the error means that the file is damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Database { source, .. } if rows::is_damage(source))
    }

    pub(super) fn file(folder: &Path, source: std::io::Error) -> Self {
        Self::File {
            folder: folder.to_owned(),
            source,
        }
    }

    pub(super) fn database(folder: &Path, source: rusqlite::Error) -> Self {
        Self::Database {
            folder: folder.to_owned(),
            source,
        }
    }
}
