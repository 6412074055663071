//! The state of the inspector.

use std::collections::BTreeSet;

use crate::protocol::{Record, Snapshot};
use crate::tui::inspector::query::Inspected;

/// The inspector of an event.
#[derive(Debug)]
pub struct Inspector {
    /// The sequence number of the event.
    pub sequence: u64,
    /// The event. None while it is loaded.
    pub found: Option<Box<Inspected>>,
    /// Lines that the history is scrolled down.
    pub story: usize,
    /// Whether the mapped request is shown instead of the raw event.
    pub shows_mapped: bool,
    /// The line of the cursor in the document.
    pub line: usize,
    /// The folded paths of the raw event, and of the mapped request.
    pub folded: [BTreeSet<String>; 2],
}

impl Inspector {
    /// An inspector whose event is still to be loaded.
    pub fn new(sequence: u64, shows_mapped: bool) -> Self {
        Self {
            sequence,
            found: None,
            story: 0,
            shows_mapped,
            line: 0,
            folded: Default::default(),
        }
    }

    /// Whether the display is out of date; `record` is the event in the ring. An event that has left the
    /// ring does not change any more.
    pub(crate) fn is_outdated(&self, record: Option<&Record>, snapshot: &Snapshot) -> bool {
        let Some(found) = &self.found else {
            return true;
        };
        record.is_some_and(|record| record.story != found.record.story)
            || !found.is_by(&snapshot.filters, snapshot.mode)
    }
}
