//! The dead letters of a pipeline: in its spool, or in the stream of its group.

use std::io::Write;

use crate::blocking;
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterSelection, DeadLetters};
use crate::jetstream::GroupDeadLetters;

use super::dead_letter_error::DeadLetterError;
use super::handle::Handle;

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
