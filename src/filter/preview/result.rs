//! The result of a preview.

use std::sync::Arc;

use crate::amplitude::time::UnixMs;
use crate::filter::decision::BlockedBy;
use crate::filter::rule_counts::RuleTally;

/// The effect of a draft.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preview {
    /// Events that were evaluated so far, the newest of all.
    pub events: u64,
    /// All events that can be evaluated.
    pub of: u64,
    /// Time from the oldest to the newest evaluated event, in milliseconds.
    pub span_ms: i64,
    /// Events that pass the applied filters.
    pub before: Passing,
    /// Events that pass the draft.
    pub after: Passing,
    /// Events that pass the draft, but not the applied filters.
    pub newly_passing: ChangedEvents,
    /// Events that the draft filters out, but the applied filters do not.
    pub newly_filtered_out: ChangedEvents,
    /// The counts of the draft's rules, in their order.
    pub rules: Vec<RuleTally>,
}

impl Preview {
    /// Converts a count of events to events a second. None if the events span less than a second.
    pub fn per_second(&self, count: u64) -> Option<f64> {
        (self.span_ms >= 1_000).then(|| count as f64 * 1_000.0 / self.span_ms as f64)
    }

    /// Whether all events were evaluated.
    pub fn is_whole(&self) -> bool {
        self.events >= self.of
    }
}

/// Counts of the events that pass some filters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passing {
    /// Events.
    pub events: u64,
    /// Persons of these events.
    pub persons: u64,
    /// Estimated requests: an event counts with the size in which it was received.
    pub requests: u64,
}

/// Events for which the draft's decision differs in one direction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangedEvents {
    /// Their number.
    pub events: u64,
    /// Their types, the most frequent first.
    pub types: Vec<(Arc<str>, u64)>,
    /// The newest of them.
    pub examples: Vec<Example>,
}

/// An event for which the draft's decision differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Its sequence number in this run.
    pub sequence: u64,
    /// When it was received.
    pub received_ms: UnixMs,
    /// Its type.
    pub event_type: Arc<str>,
    /// Its `user_id`, else its `device_id`.
    pub person: String,
    /// The reason why the applied filters, or the draft, filter it out.
    pub by: BlockedBy,
}

/// Sorts counts, the highest first; equal counts by key, so that rows keep their places.
pub fn most_first<T: Ord>(counts: impl IntoIterator<Item = (T, u64)>) -> Vec<(T, u64)> {
    let mut counts: Vec<(T, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}
