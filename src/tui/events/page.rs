//! The rows of the events pane.

use std::sync::Arc;

use crate::amplitude::time;
use crate::protocol::{Content, Record};
use crate::tui::events::outcome::{Weight, told};
use crate::tui::widget::theme::Sign;

/// The rows that are shown, and what they are of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub rows: Vec<Row>,
    /// How many events there are.
    pub total: u64,
    /// How many of them match; all where nothing is looked for.
    pub matched: u64,
    /// Whether the search has seen all of them.
    pub complete: bool,
    /// How many matching events are newer than the first row.
    pub above: u64,
    /// The ring from its newest event to its oldest, in as many parts as there are rows.
    pub bar: Vec<Part>,
}

/// A part of the ring, beside the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// Whether rows that are shown are of it.
    pub is_shown: bool,
    /// Whether it has events that were found.
    pub is_found: bool,
    /// Whether it has events with a bookmark.
    pub is_marked: bool,
}

/// One event as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub sequence: u64,
    /// When it was received, by the clock: `12:04:31.204`.
    pub clock: String,
    /// Its sign.
    pub sign: Sign,
    /// Its type.
    pub event_type: Arc<str>,
    /// Whom it is about.
    pub person: String,
    /// Its size in bytes.
    pub bytes: usize,
    /// What became of it, in words.
    pub outcome: String,
    /// How much that matters.
    pub weight: Weight,
    /// Whether it has a bookmark.
    pub is_marked: bool,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// With the newest.
    Newest,
    /// With this event, or the next older one.
    At(u64),
}

pub(crate) fn row(record: &Record) -> Row {
    let (sign, weight, outcome) = told(record);
    let (event_type, person) = match &record.content {
        Content::Event { event, event_type } => {
            let id = event.user_id();
            // What is too long to be an ID is not one to read either.
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
        clock: time::to_clock(record.received_ms),
        sign,
        event_type,
        person,
        bytes: record.text().len(),
        outcome,
        weight,
        is_marked: false,
    }
}
