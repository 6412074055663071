//! The rows of the events pane.

use std::sync::Arc;

use crate::amplitude::time::{self, UnixMs};
use crate::protocol::{Content, Outcome, Record};
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::events::outcome::{Severity, outcome_of};
use crate::tui::widget::theme::Sign;

/// The visible rows, and totals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows, the newest first.
    pub rows: Vec<Row>,
    /// Number of events in the ring.
    pub total: u64,
    /// Number of events in the list. All events in the ring for the list of all.
    pub listed: u64,
    /// Number of events in the list that match the search. The whole list without a search.
    pub matched: u64,
    /// Number of events that are shown: the matches, or the list around them.
    pub shown: u64,
    /// Whether the whole ring was searched.
    pub complete: bool,
    /// The end of the events in the ring, as a sequence number.
    pub end: u64,
    /// Number of shown events newer than the first row.
    pub above: u64,
    /// An overview of the ring from its newest event to its oldest, one segment per row.
    pub bar: Vec<BarSegment>,
}

/// A segment of the overview.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BarSegment {
    /// Whether it contains visible rows.
    pub is_shown: bool,
    /// Whether it contains matches of the search.
    pub is_found: bool,
    /// Whether it contains bookmarks.
    pub is_marked: bool,
}

/// One event as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The sequence number.
    pub sequence: u64,
    /// The time of receipt.
    pub received_ms: UnixMs,
    /// The same as text: `12:04:31.204`.
    pub clock: String,
    /// The sign of the outcome.
    pub sign: Sign,
    /// The event type.
    pub event_type: Arc<str>,
    /// The person.
    pub person: String,
    /// The size in bytes.
    pub bytes: usize,
    /// The outcome in words.
    pub outcome: String,
    /// The severity of the outcome.
    pub severity: Severity,
    /// Whether it has become a dead letter.
    pub is_dead_letter: bool,
    /// Whether it has a bookmark.
    pub is_marked: bool,
    /// Whether the search matches it, while other events are shown too.
    pub is_match: bool,
    /// The values of all columns, empty for those that have a field above. Empty if all have.
    pub cells: Vec<String>,
}

/// The first row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The newest event.
    Newest,
    /// This event, or the next older one.
    At(u64),
}

pub(crate) fn row(record: &Record, queued: Option<QueueReason>) -> Row {
    let (sign, severity, outcome) = outcome_of(record, queued);
    let (event_type, person) = match &record.content {
        Content::Event { event, event_type } => {
            let id = event.user_id();
            // An invalid, overlong ID is shown as its size.
            let person = match id {
                Some(id) if id.len() > crate::customerio::sizes::ID_BYTES => {
                    format!("({} B)", id.len())
                }
                Some(id) => id.chars().take(60).collect(),
                None => event
                    .device_id()
                    .map_or_else(|| "(nobody)".to_owned(), |_| "(anonymous)".to_owned()),
            };
            (event_type.clone(), person)
        }
        Content::Malformed { .. } => ("(malformed)".into(), String::new()),
    };
    Row {
        sequence: record.sequence,
        received_ms: record.received_ms,
        clock: time::to_clock(record.received_ms),
        sign,
        event_type,
        person,
        bytes: record.text().len(),
        outcome,
        severity,
        is_dead_letter: matches!(record.story.outcome, Outcome::Undelivered { .. }),
        is_marked: false,
        is_match: false,
        cells: Vec::new(),
    }
}
