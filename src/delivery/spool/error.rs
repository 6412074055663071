//! Errors of a spool.

use std::path::PathBuf;

/// The reason why a spool can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// No folder is known for it.
    #[error("there is no home folder for the spool; set spool.folder")]
    NoHome,
    /// The folder can't be created or written to.
    #[error(
        "cannot use the spool's folder {folder}: {source}; make it writable, or set spool.folder",
        folder = folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error(
        "the spool in {folder} is in use by process {pid}; end it first, or set spool.folder",
        folder = folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process that has it open.
        pid: String,
    },
    /// SQLite can't open or read the file.
    #[error("cannot open the spool {path}: {source}", path = path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// The file belongs to another program, or to a newer version of this one.
    #[error(
        "{path} is not a spool of this version of sluicegate; set spool.folder to another place, or use the version that wrote it",
        path = path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Its items were accepted for another workspace.
    #[error(
        "the spool in {folder} holds {items} items for {theirs}, and these settings send to {ours}; deliver them with the settings of then, or set spool.folder",
        folder = folder.display()
    )]
    OtherDestination {
        /// The folder.
        folder: PathBuf,
        /// Number of its items and dead letters.
        items: u64,
        /// The destination of its items.
        theirs: String,
        /// The destination in the settings.
        ours: String,
    },
}
