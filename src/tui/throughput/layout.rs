//! The rows and columns of the throughput pane.

use ratatui::layout::{Margin, Position, Rect};

use crate::protocol::series::WINDOWS;

/// Columns before and after a history.
pub(crate) const COLUMNS_BESIDE_HISTORY: usize = 22;

/// Lines of a chart: received, accepted, delivered, rejected.
pub(super) const LINES: usize = 4;

/// Maximum rows of each line.
const HIGHEST: usize = 8;

/// Number of points of a history in the pane.
pub fn history_columns(room: Rect) -> usize {
    usize::from(room.width.saturating_sub(2)).saturating_sub(COLUMNS_BESIDE_HISTORY)
}

/// The point of the charts at a position, in a pane with this number of watches.
pub(crate) fn point_at(room: Rect, watches: usize, at: Position) -> Option<usize> {
    let inside = room.inner(Margin::new(1, 1));
    let division = PaneRows::of(usize::from(inside.height), watches);
    let rows = LINES * division.per_line + usize::from(division.has_axis());
    // One of the columns is behind the history.
    let before = COLUMNS_BESIDE_HISTORY as u16 - 1;
    let point = usize::from(at.x.checked_sub(inside.x + before)?);
    let row = usize::from(at.y.checked_sub(inside.y)?);
    (point < history_columns(room) && row < rows.min(usize::from(inside.height))).then_some(point)
}

/// The division of the pane's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PaneRows {
    /// Rows of each line of the chosen time span. From two on there is a time axis below them.
    pub(super) per_line: usize,
    /// Whether the other time spans are shown below.
    pub(super) has_others: bool,
}

impl PaneRows {
    /// The division of `rows` rows, of which each watch takes one, and a note one.
    pub(super) fn of(rows: usize, watches: usize) -> Self {
        // Each of the other time spans has an empty row and a title.
        let others = (LINES + 2) * (WINDOWS.len() - 1);
        let has_others = rows > others + LINES + 2 + watches;
        let taken = watches + if has_others { others } else { 0 };
        let for_lines = rows.saturating_sub(taken + 2);
        Self {
            per_line: (for_lines / LINES).clamp(1, HIGHEST),
            has_others,
        }
    }

    /// Whether there is a time axis.
    pub(super) fn has_axis(self) -> bool {
        self.per_line > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_get_more_rows_where_there_is_height() {
        for (rows, watches, per_line, has_others) in [
            (0, 0, 1, false),
            (5, 0, 1, false),
            (9, 0, 1, false),
            (10, 0, 2, false),
            (10, 1, 1, false),
            (14, 0, 3, false),
            (30, 0, 2, true),
            (56, 3, 8, true),
            (200, 0, 8, true),
        ] {
            let division = PaneRows::of(rows, watches);
            let expected = PaneRows {
                per_line,
                has_others,
            };
            assert_eq!(division, expected, "{rows} rows, {watches} watches");
        }
    }
}
