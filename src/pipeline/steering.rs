//! Steering a running pipeline: each change is made for somebody, and recorded.

use std::sync::Arc;

use crate::delivery::spool::dead_letters::DeadLetters;
use crate::filter::Filters;
use crate::filter::change::changes;
use crate::protocol::{Author, ChangeRecord, Command};
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
    #[error("{}", conflict(*.version, .last.as_deref()))]
    Conflict {
        /// The version of the filters in force.
        version: u64,
        /// The change that made them.
        last: Option<Box<ChangeRecord>>,
    },
    /// There are no filters to go back to.
    #[error("nothing to undo: the filters were not changed in this run")]
    NothingToUndo,
}

fn conflict(version: u64, last: Option<&ChangeRecord>) -> String {
    let by = last.map_or_else(String::new, |last| {
        format!(
            " by {} ({}): {}",
            last.author.name, last.author.from, last.what
        )
    });
    format!(
        "the filters were changed meanwhile{by}; they are version {version} now, and nothing is changed"
    )
}

impl Handle {
    /// Carries out a command of the operator at the screen. Returns a message, which may be empty.
    pub async fn apply(&self, command: Command) -> Result<String, CommandError> {
        let steered = self
            .steer(Author::here(Author::SCREEN), None, command)
            .await;
        steered.map_err(|error| match error {
            SteerError::Command(error) => error,
            // A command without a base conflicts with nothing.
            other => CommandError::Other(other.to_string()),
        })
    }

    /// Carries out a command of `author`. `base` is the version of the filters that a change of them
    /// was made from; without one it replaces any. Returns a message, which may be empty.
    pub async fn steer(
        &self,
        author: Author,
        base: Option<u64>,
        command: Command,
    ) -> Result<String, SteerError> {
        let _one_at_a_time = self.change_log.turn().await;
        match command {
            Command::SetGate(mode) => {
                self.gate.set_mode(mode);
                let what = format!("gate: {}", mode.name());
                self.change_log.add(author, what);
            }
            Command::SetFilters(filters) => {
                self.check_base(base)?;
                let before = self.gate.load().shared_filters();
                let what = format!("filters: {}", described(&before, &filters));
                self.gate.set_filters(filters).map_err(CommandError::from)?;
                self.change_log.add_filters(author, what, Some(before));
            }
            Command::UndoFilters => {
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
                let retry = move |all: &DeadLetters| Ok(all.retry(&selection)?);
                let count = self.with_letters(retry).await?;
                return Ok(self.dead_letters_changed(author, count, "will be tried again"));
            }
            Command::DiscardDeadLetters(selection) => {
                let discard = move |all: &DeadLetters| Ok(all.discard(&selection)?);
                let count = self.with_letters(discard).await?;
                return Ok(self.dead_letters_changed(author, count, "discarded"));
            }
        }
        Ok(String::new())
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

    fn check_base(&self, base: Option<u64>) -> Result<(), SteerError> {
        let version = self.change_log.version();
        match base {
            Some(base) if base != version => Err(SteerError::Conflict {
                version,
                last: self.change_log.last_of_filters().map(Box::new),
            }),
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
fn described(before: &Filters, now: &Filters) -> String {
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
