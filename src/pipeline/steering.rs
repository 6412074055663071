//! Steering a running pipeline: each change is made for somebody, and recorded.

use std::sync::Arc;

use crate::filter::Filters;
use crate::filter::change::changes;
use crate::protocol::{Applied, Author, ChangeRecord, Command, FiltersConflict, VersionedFilters};
use crate::text::grouped;

use super::handle::{CommandError, Handle};

/// Differences of the filters that a record lists.
const MAX_LISTED: usize = 20;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum SteerError {
    /// The command could not be carried out.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The filters are no longer those that the change was made from.
    #[error("{0}")]
    Conflict(Box<FiltersConflict>),
    /// There are no filters to go back to.
    #[error("nothing to undo: the filters were not changed in this run")]
    NothingToUndo,
}

impl Handle {
    /// Carries out a command of `author`. A change of the filters replaces only those of the version
    /// that it was made from.
    pub async fn steer(&self, author: Author, command: Command) -> Result<Applied, SteerError> {
        let _one_at_a_time = self.change_log.turn().await;
        self.change_group(&author, &command).await?;
        let mut message = String::new();
        match command {
            Command::SetGate(mode) => {
                self.gate.set_mode(mode);
                let what = format!("gate: {}", mode.name());
                self.change_log.add(author, what);
            }
            Command::SetFilters { base, filters } => {
                self.check_base(base)?;
                let before = self.gate.load().shared_filters();
                let what = format!("filters: {}", described(&before, &filters));
                self.gate.set_filters(filters).map_err(CommandError::from)?;
                self.change_log.add_filters(author, what, Some(before));
            }
            Command::UndoFilters { base } => {
                self.check_base(base)?;
                let Some(back) = self.change_log.take_replaced() else {
                    return Err(SteerError::NothingToUndo);
                };
                let what = described(&self.gate.load().shared_filters(), &back);
                let back = Arc::unwrap_or_clone(back);
                self.gate.set_filters(back).map_err(CommandError::from)?;
                let what = format!("filters, undo: {what}");
                self.change_log.add_filters(author, what, None);
            }
            Command::Resume => {
                self.resume_delivery().await;
                let what = "delivery: try again".to_owned();
                self.change_log.add(author, what);
            }
            Command::RetryDeadLetters(selection) => {
                let retried = self.retry_dead_letters(selection).await;
                let count = retried.map_err(CommandError::from)?;
                message = self.dead_letters_changed(author, count, "will be tried again");
            }
            Command::DiscardDeadLetters(selection) => {
                let discarded = self.discard_dead_letters(selection).await;
                let count = discarded.map_err(CommandError::from)?;
                message = self.dead_letters_changed(author, count, "discarded");
            }
        }
        Ok(Applied {
            message,
            filters_version: self.change_log.version(),
        })
    }

    /// The filters in force with their version. The version may be older than the
    /// filters, if they are being changed, but never newer.
    pub fn versioned_filters(&self) -> VersionedFilters {
        // A change in between makes filters that are older by their number than they are, and so a
        // conflict; the other way round it would be overwritten.
        let version = self.change_log.version();
        let filters = self.gate.load().shared_filters();
        VersionedFilters { version, filters }
    }

    /// The version of the filters in force.
    pub fn filters_version(&self) -> u64 {
        self.change_log.version()
    }

    /// The last changes, the newest last.
    pub fn change_records(&self) -> Vec<ChangeRecord> {
        self.change_log.records()
    }

    /// Records a change that was made by other means, such as a reload.
    pub fn record_change(&self, author: Author, what: String) {
        self.change_log.add(author, what);
    }

    pub(super) fn check_base(&self, base: Option<u64>) -> Result<(), SteerError> {
        let version = self.change_log.version();
        match base {
            Some(base) if base != version => Err(SteerError::Conflict(Box::new(FiltersConflict {
                version,
                filters: self.gate.load().shared_filters(),
                changes: self.change_log.of_filters_since(base),
            }))),
            _ => Ok(()),
        }
    }

    fn dead_letters_changed(&self, author: Author, count: u64, done: &str) -> String {
        let message = dead_letters_message(count, done);
        if count > 0 {
            self.change_log.add(author, message.clone());
        }
        message
    }
}

/// The differences of two sets of filters, in a line.
pub(super) fn described(before: &Filters, now: &Filters) -> String {
    let all = changes(before, now);
    if all.is_empty() {
        return "unchanged".to_owned();
    }
    let listed: Vec<String> = all
        .iter()
        .take(MAX_LISTED)
        .map(ToString::to_string)
        .collect();
    let others = all.len().saturating_sub(MAX_LISTED);
    let others = if others > 0 {
        format!("; and {} more", grouped(others as u64))
    } else {
        String::new()
    };
    format!("{}{others}", listed.join("; "))
}

fn dead_letters_message(count: u64, done: &str) -> String {
    match count {
        0 => "nothing is done: that dead letter is gone, or on its way again".to_owned(),
        1 => format!("1 dead letter {done}"),
        count => format!("{} dead letters {done}", grouped(count)),
    }
}
