//! The commands of a screen to a pipeline.

use serde::{Deserialize, Serialize};

use crate::delivery::spool::dead_letters::DeadLetterSelection;
use crate::filter::{Filters, Mode};

/// A command to a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Open the gate, shut it, or go into dry run.
    SetGate(Mode),
    /// Replace the filters.
    SetFilters {
        /// The version that the new filters were made from: if it is not in force any more, nothing is
        /// changed. None replaces any.
        base: Option<u64>,
        /// The new filters.
        filters: Filters,
    },
    /// Go back to the filters that the last ones replaced.
    UndoFilters {
        /// The version to go back from, as for new filters.
        base: Option<u64>,
    },
    /// Retry delivery now, where it waits for someone or for its next probe.
    Resume,
    /// Return these dead letters to the spool.
    #[serde(rename = "retry_letters")]
    RetryDeadLetters(DeadLetterSelection),
    /// Remove these dead letters for good.
    #[serde(rename = "discard_letters")]
    DiscardDeadLetters(DeadLetterSelection),
}
