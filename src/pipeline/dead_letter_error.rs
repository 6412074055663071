//! Why dead letters can't be read or changed.

use std::path::PathBuf;

use crate::delivery::spool::SpoolError;
use crate::jetstream::{ExportError, GroupError};

/// Why dead letters can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// The spool can't be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The spool's file can't be read or changed.
    #[error("the dead letters can't be used: {0}")]
    Table(#[from] rusqlite::Error),
    /// The stream can't be read or changed.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// They can't be exported.
    #[error("the export is incomplete: {0}")]
    Export(#[from] std::io::Error),
    /// The spool has disappeared.
    #[error("there is no spool in {folder} any more", folder = folder.display())]
    SpoolGone {
        /// Its folder.
        folder: PathBuf,
    },
}

impl From<ExportError> for DeadLetterError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Read(error) => Self::Group(error),
            ExportError::Write(error) => Self::Export(error),
        }
    }
}
