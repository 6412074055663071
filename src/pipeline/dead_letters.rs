//! The dead letters of a pipeline: in its spool, or in the stream of its group.

use std::io::Write;
use std::path::PathBuf;

use crate::blocking;
use crate::delivery::spool::SpoolError;
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterSelection, DeadLetters};
use crate::jetstream::{ExportError, GroupDeadLetters, GroupError};

use super::handle::Handle;

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

impl Handle {
    /// Up to `most` of the selected dead letters, the newest first.
    pub async fn dead_letters(
        &self,
        which: DeadLetterSelection,
        most: u64,
    ) -> Result<Vec<DeadLetter>, DeadLetterError> {
        match self.group_dead_letters() {
            Some(group) => Ok(group.page(&which, most).await?),
            None => {
                let page = move |all: &DeadLetters| Ok(all.page(&which, 0, most)?);
                self.with_dead_letters(page).await
            }
        }
    }

    /// Writes the selected dead letters to `to`, a line each, the oldest first. Returns their number, and
    /// `to`.
    pub async fn export_dead_letters<W: Write + Send + 'static>(
        &self,
        which: DeadLetterSelection,
        mut to: W,
    ) -> Result<(u64, W), DeadLetterError> {
        if let Some(group) = self.group_dead_letters() {
            let count = group.export(&which, &mut to).await?;
            to.flush()?;
            return Ok((count, to));
        }
        let export = move |all: &DeadLetters| {
            let count = all.export(&which, &mut to)?;
            to.flush()?;
            Ok((count, to))
        };
        self.with_dead_letters(export).await
    }

    /// Has the selected dead letters tried again. Returns their number.
    pub(super) async fn retry_dead_letters(
        &self,
        which: DeadLetterSelection,
    ) -> Result<u64, DeadLetterError> {
        match self.group_dead_letters() {
            Some(group) => Ok(group.retry(&which).await?),
            None => {
                let retry = move |all: &DeadLetters| Ok(all.retry(&which)?);
                self.with_dead_letters(retry).await
            }
        }
    }

    /// Removes the selected dead letters for good. Returns their number.
    pub(super) async fn discard_dead_letters(
        &self,
        which: DeadLetterSelection,
    ) -> Result<u64, DeadLetterError> {
        match self.group_dead_letters() {
            Some(group) => Ok(group.discard(&which).await?),
            None => {
                let discard = move |all: &DeadLetters| Ok(all.discard(&which)?);
                self.with_dead_letters(discard).await
            }
        }
    }

    fn group_dead_letters(&self) -> Option<&GroupDeadLetters> {
        Some(self.group()?.dead_letters())
    }

    /// Runs `act` on the dead letters of the spool, on a thread that may wait for the disk.
    async fn with_dead_letters<T: Send + 'static>(
        &self,
        act: impl FnOnce(&DeadLetters) -> Result<T, DeadLetterError> + Send + 'static,
    ) -> Result<T, DeadLetterError> {
        let folder = self.spool_folder().to_owned();
        let acting = blocking::run(move || match DeadLetters::open(&folder)? {
            Some(letters) => act(&letters),
            None => Err(DeadLetterError::SpoolGone { folder }),
        });
        acting.await
    }
}
