//! Selecting the chosen events from the files of an export.

use std::io::{self, Write};

use super::choice::Chosen;
use super::sorter::Sorter;
use crate::amplitude::Event;
use crate::customerio::dedupe;

/// Selects the chosen events, each once, and sorts them by their time.
#[derive(Debug)]
pub struct Selector {
    chosen: Chosen,
    sorter: Sorter,
    /// Number of events so far.
    pub count: u64,
}

impl Selector {
    /// Creates a selector of these events.
    pub fn new(chosen: Chosen) -> Self {
        Self {
            chosen,
            sorter: Sorter::default(),
            count: 0,
        }
    }

    /// Adds an event, if it is chosen. An error is one of a temporary file.
    pub fn add(&mut self, event: &Event) -> io::Result<()> {
        if !self.chosen.take(dedupe::id(event)) {
            return Ok(());
        }
        self.count += 1;
        let at_ms = event.time().unwrap_or_default();
        self.sorter.push(at_ms, event.text().as_bytes())
    }

    /// Writes the events as NDJSON, in the order of their times.
    pub fn write(self, out: &mut impl Write) -> io::Result<()> {
        self.sorter.write(out)
    }
}
