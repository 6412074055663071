//! The events pane.

use std::collections::BTreeSet;

use crate::tui::events::find::Find;
use crate::tui::events::page::{Anchor, Page, Row};

/// The events pane.
#[derive(Debug, Default)]
pub struct Events {
    /// What is looked for.
    pub find: Option<Find>,
    /// Whether the newest is always on top.
    pub following: bool,
    /// The sequence number of the row on top, where it doesn't follow.
    pub top: u64,
    /// How far the next page moves: older is positive.
    pub shift: i64,
    /// The event that the cursor is on.
    pub cursor: Option<u64>,
    /// Events to come back to, by their numbers.
    pub bookmarks: BTreeSet<u64>,
    /// How many rows there is room for.
    pub room: usize,
    /// What is shown.
    pub page: Page,
}

impl Events {
    /// Where the page begins.
    pub fn anchor(&self) -> Anchor {
        if self.following {
            Anchor::Newest
        } else {
            Anchor::At(self.top)
        }
    }

    /// The cursor's place among the rows.
    pub fn cursor_row(&self) -> Option<usize> {
        let cursor = self.cursor?;
        self.page
            .rows
            .iter()
            .position(|row: &Row| row.sequence == cursor)
    }
}
