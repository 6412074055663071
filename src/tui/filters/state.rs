//! A draft of the filters, and the cursor among them.

use std::sync::Arc;

use crate::filter::Filters;

/// How event types are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The most frequent first.
    #[default]
    Count,
    /// The fastest first.
    Rate,
    /// By name.
    Name,
}

/// Filters that are tried out and not in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The filters.
    pub filters: Filters,
    /// Whether the events are shown as the draft would decide, instead of the preview.
    pub shows_events: bool,
}

/// A change that is in force for a time only.
#[derive(Debug, Clone, PartialEq)]
pub struct Armed {
    /// The filters before it.
    pub before: Filters,
    /// The filters with it.
    pub after: Filters,
    /// Until when, by the snapshots' clock.
    pub until_ms: i64,
}

/// Where the cursor is among the filters. By name, so that it stays when rows move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterCursor {
    /// On an event type; nothing means the first.
    Type(Option<Arc<str>>),
    /// On a rule, from 0.
    Rule(usize),
}
