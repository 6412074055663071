//! The layout of a relay's screen.

use ratatui::layout::{Constraint, Layout, Rect};

/// A list with a scroll position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayPane {
    /// The senders.
    Sources,
    /// The clients.
    Clients,
    /// The log messages.
    Log,
}

impl RelayPane {
    /// All panes, from the top.
    pub const ALL: [Self; 3] = [Self::Sources, Self::Clients, Self::Log];

    /// The pane `by` steps further.
    #[must_use]
    pub fn step(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|pane| *pane == self);
        Self::ALL[(at.unwrap_or(0) + by) % Self::ALL.len()]
    }
}

/// The areas of header, upper row, sources, clients, log and footer.
pub(crate) fn areas(area: Rect) -> [Rect; 6] {
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(6),
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area)
}

/// The number of rows of a list on a terminal of this size.
pub fn list_rows(pane: RelayPane, (columns, rows): (u16, u16)) -> usize {
    let [_, _, sources, clients, log, _] = areas(Rect::new(0, 0, columns, rows));
    // Two rows are the border's, one is the heading's.
    let room = match pane {
        RelayPane::Sources => sources.height.saturating_sub(3),
        RelayPane::Clients => clients.height.saturating_sub(3),
        RelayPane::Log => log.height.saturating_sub(2),
    };
    usize::from(room)
}
