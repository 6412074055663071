//! The counts of a rule: evaluations, matches, errors, time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::expression::{Condition, Evaluation, EventContext};

/// One evaluation in this many is timed: reading the clock takes as long as a short condition.
pub const TIMED_OF: u64 = 64;

/// The counts of a rule, shared by successive gates that have the rule.
#[derive(Debug, Default)]
pub(super) struct RuleCounts {
    reached: AtomicU64,
    matched: AtomicU64,
    filtered_out: AtomicU64,
    errors: AtomicU64,
    last_error: Mutex<Option<String>>,
    timed: AtomicU64,
    timed_ns: AtomicU64,
}

/// The counts of a rule at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTally {
    /// Events on which its condition was evaluated.
    pub reached: u64,
    /// Events that its condition matched.
    pub matched: u64,
    /// Events that it filtered out.
    #[serde(rename = "held_back")]
    pub filtered_out: u64,
    /// Events on which its evaluation failed.
    pub errors: u64,
    /// The last error.
    pub last_error: Option<String>,
    /// Evaluations that were timed: one in [`TIMED_OF`].
    pub timed: u64,
    /// Total time of these evaluations, in nanoseconds.
    pub timed_ns: u64,
}

impl RuleTally {
    /// Adds the counts of the same rule elsewhere. An error that is known stays.
    pub fn merge(&mut self, other: &Self) {
        self.reached += other.reached;
        self.matched += other.matched;
        self.filtered_out += other.filtered_out;
        self.errors += other.errors;
        self.timed += other.timed;
        self.timed_ns += other.timed_ns;
        if self.last_error.is_none() {
            self.last_error.clone_from(&other.last_error);
        }
    }

    /// Mean time of an evaluation, in microseconds. The first rule that names a property pays for
    /// its parsing.
    pub fn micros(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.timed_ns as f64 / self.timed as f64 / 1_000.0)
    }
}

impl RuleCounts {
    /// Evaluates `condition`, and counts. An error counts as no match.
    pub(super) fn evaluate(&self, condition: &Condition, context: &EventContext<'_, '_>) -> bool {
        let reached = self.reached.fetch_add(1, Relaxed);
        let evaluation = if reached.is_multiple_of(TIMED_OF) {
            self.timed(|| condition.evaluate(context))
        } else {
            condition.evaluate(context)
        };
        match evaluation {
            Evaluation::True => {
                self.matched.fetch_add(1, Relaxed);
                true
            }
            Evaluation::False => false,
            Evaluation::Error(text) => {
                self.errors.fetch_add(1, Relaxed);
                let mut last_error = self
                    .last_error
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                *last_error = Some(text);
                false
            }
        }
    }

    fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        let took = started.elapsed().as_nanos() as u64;
        self.timed.fetch_add(1, Relaxed);
        self.timed_ns.fetch_add(took, Relaxed);
        result
    }

    /// Counts an event that the rule filtered out.
    pub(super) fn add_filtered_out(&self) {
        self.filtered_out.fetch_add(1, Relaxed);
    }

    /// The counts now.
    pub(super) fn tally(&self) -> RuleTally {
        let last_error = self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        RuleTally {
            reached: self.reached.load(Relaxed),
            matched: self.matched.load(Relaxed),
            filtered_out: self.filtered_out.load(Relaxed),
            errors: self.errors.load(Relaxed),
            last_error,
            timed: self.timed.load(Relaxed),
            timed_ns: self.timed_ns.load(Relaxed),
        }
    }
}
