//! The layout of a person's events.

use ratatui::layout::{Constraint, Layout, Rect};

/// Rows of the summary, with its border.
const SUMMARY_ROWS: u16 = 8;

/// The areas of the summary and of the events.
pub(crate) fn areas(area: Rect) -> [Rect; 2] {
    Layout::vertical([Constraint::Length(SUMMARY_ROWS), Constraint::Min(0)]).areas(area)
}
