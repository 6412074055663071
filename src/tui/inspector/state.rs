//! The state of the inspector.

use std::collections::BTreeSet;

use crate::protocol::{Record, Snapshot};
use crate::tui::inspector::query::Inspected;
use crate::tui::widget::json;
use crate::tui::widget::json::FOLDED_OVER;

/// The part of an event on display.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum View {
    /// The outcome and the history, then both documents. Only the detail pane has this view: over
    /// the list the history is beside the document.
    #[default]
    Story,
    /// The raw event.
    Event,
    /// The mapped request.
    Request,
}

/// The inspector of an event.
#[derive(Debug)]
pub struct Inspector {
    /// The sequence number of the event.
    pub sequence: u64,
    /// The event. None while it is loaded.
    pub found: Option<Box<Inspected>>,
    /// Lines that the history is scrolled down.
    pub story: usize,
    /// The part on display.
    pub view: View,
    /// The line of the cursor in the document.
    pub line: usize,
    /// The folded paths of the raw event, and of the mapped request.
    pub folded: [BTreeSet<String>; 2],
}

impl Inspector {
    /// An inspector whose event is still to be loaded.
    pub fn new(sequence: u64, view: View) -> Self {
        Self {
            sequence,
            found: None,
            story: 0,
            view,
            line: 0,
            folded: Default::default(),
        }
    }

    /// Takes over the event. The first time, its long objects and arrays are folded.
    pub(crate) fn take(&mut self, found: Box<Inspected>) {
        if self.found.is_none() {
            let documents = [found.record.text(), found.mapped.as_str()];
            self.folded = documents.map(|raw| json::long_ones(raw, FOLDED_OVER));
        }
        self.found = Some(found);
    }

    /// Whether the mapped request is shown instead of the raw event.
    pub fn shows_mapped(&self) -> bool {
        self.view == View::Request
    }

    /// Whether the display is out of date; `record` is the event in the ring. An event that has left the
    /// ring does not change any more.
    pub(crate) fn is_outdated(&self, record: Option<&Record>, snapshot: &Snapshot) -> bool {
        let Some(found) = &self.found else {
            return true;
        };
        let shown = &found.record;
        // The rest of a summary may have been fetched.
        record.is_some_and(|now| now.story != shown.story || now.text() != shown.text())
            || !found.is_by(&snapshot.filters, snapshot.mode)
    }
}
