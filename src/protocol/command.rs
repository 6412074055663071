//! The commands of a screen to a pipeline.

use serde::{Deserialize, Serialize};

use crate::delivery::spool::dead_letters::DeadLetterSelection;
use crate::filter::{Filters, Mode};

/// What a screen can ask of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Open the gate, shut it, or go into dry run.
    SetGate(Mode),
    /// Put these filters in force, whole.
    SetFilters(Filters),
    /// Try again now, where delivery waits for someone or for its next probe.
    Resume,
    /// Put these dead letters back into the spool.
    RetryLetters(DeadLetterSelection),
    /// Remove these dead letters for good.
    DiscardLetters(DeadLetterSelection),
}
