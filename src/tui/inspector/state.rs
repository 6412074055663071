//! The event that is open.

use std::collections::BTreeSet;

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
