//! The columns of the throughput pane.

use ratatui::layout::Rect;

/// Columns before and after a history.
pub(crate) const COLUMNS_BESIDE_HISTORY: usize = 22;

/// Number of points of a history in the pane.
pub fn history_columns(room: Rect) -> usize {
    usize::from(room.width.saturating_sub(2)).saturating_sub(COLUMNS_BESIDE_HISTORY)
}
