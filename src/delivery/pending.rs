//! Batches that wait for an attempt, with the failures of their current streak.

use super::History;
use super::batch::Batch;

/// A batch that is sent, or waits to be.
#[derive(Debug)]
pub struct PendingBatch {
    /// The items.
    pub batch: Batch,
    /// The streak of failures that its last failure belongs to.
    pub streak: Streak,
}

/// A run of failures with no answer of a working destination in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streak {
    /// Its number; see [`Breaker::streak`](super::breaker::Breaker::streak).
    pub number: u64,
    /// Failures of it that are those of this batch.
    pub own: u32,
    /// Time that these added to [`History::tried_ms`] of the items, in milliseconds.
    pub own_ms: u64,
}

impl Streak {
    /// Removes this streak's share from an item's history.
    pub fn refund(&self, history: &mut History) {
        history.failures = history.failures.saturating_sub(self.own);
        history.tried_ms = history.tried_ms.saturating_sub(self.own_ms);
    }
}
