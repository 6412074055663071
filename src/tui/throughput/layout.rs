//! The columns of the throughput pane.

use ratatui::layout::Rect;

/// The columns in front of a course and behind it.
pub(crate) const BESIDE: usize = 22;

/// How many points the course has.
pub fn points(room: Rect) -> usize {
    usize::from(room.width.saturating_sub(2)).saturating_sub(BESIDE)
}
