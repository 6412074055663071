//! The division of a person's view.

use ratatui::layout::{Constraint, Layout, Rect};

/// The rows of the summary, with its frame.
const SUMMARY_ROWS: u16 = 8;

/// The summary's room, and the events'.
pub(crate) fn rooms(area: Rect) -> [Rect; 2] {
    Layout::vertical([Constraint::Length(SUMMARY_ROWS), Constraint::Min(0)]).areas(area)
}
