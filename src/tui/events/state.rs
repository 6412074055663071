//! The state of the events pane.

use std::collections::BTreeSet;

use crate::tui::events::find::Find;
use crate::tui::events::list::EventList;
use crate::tui::events::page::{Anchor, Page, Row};

/// The first or the last row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The first row.
    Top,
    /// The last row.
    Bottom,
}

/// The state of the events pane.
#[derive(Debug, Default)]
pub struct Events {
    /// The list that is shown.
    pub list: EventList,
    /// The search.
    pub find: Option<Find>,
    /// Whether the whole list is shown, with the matches of the search marked in it.
    pub in_context: bool,
    /// Whether the newest event stays on top.
    pub following: bool,
    /// The sequence number of the top row, unless following.
    pub top: u64,
    /// Rows that the next page moves: positive to older events.
    pub shift: i64,
    /// The row of the next page that the cursor moves to.
    pub edge: Option<Edge>,
    /// The event under the cursor.
    pub cursor: Option<u64>,
    /// The sequence numbers of events with a bookmark.
    pub bookmarks: BTreeSet<u64>,
    /// The sequence numbers of the selected events.
    pub selected: BTreeSet<u64>,
    /// Number of rows in the pane.
    pub room: usize,
    /// While the display is frozen: the sequence number at which its events end.
    pub frozen_end: Option<u64>,
    /// The visible rows.
    pub page: Page,
}

impl Events {
    /// The first row of the next page.
    pub fn anchor(&self) -> Anchor {
        if self.following {
            Anchor::Newest
        } else {
            Anchor::At(self.top)
        }
    }

    /// The index of the cursor's row.
    pub fn cursor_row(&self) -> Option<usize> {
        let cursor = self.cursor?;
        self.page
            .rows
            .iter()
            .position(|row: &Row| row.sequence == cursor)
    }
}
