//! The event that is open.

use std::collections::BTreeSet;

use crate::protocol::{Record, Snapshot};
use crate::tui::inspector::query::Inspected;

/// An event that is looked at.
#[derive(Debug)]
pub struct Inspector {
    /// Its number.
    pub sequence: u64,
    /// What is known of it; none while it is fetched.
    pub found: Option<Box<Inspected>>,
    /// How many lines its story is scrolled down.
    pub story: usize,
    /// Whether the mapped request is shown instead of the raw event.
    pub shows_mapped: bool,
    /// The line of the document that the cursor is on.
    pub line: usize,
    /// What is folded, by path: of the raw event, and of the mapped request.
    pub folded: [BTreeSet<String>; 2],
}

impl Inspector {
    /// An event that is still to be fetched.
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

    /// Whether more is known of the event than what is shown; `record` is the event as the ring
    /// has it now. An event that has left the ring stays as it was.
    pub(crate) fn is_outdated(&self, record: Option<&Record>, snapshot: &Snapshot) -> bool {
        let Some(found) = &self.found else {
            return true;
        };
        record.is_some_and(|record| record.story != found.record.story)
            || !found.is_by(&snapshot.filters, snapshot.mode)
    }
}
