//! Where the parts of a relay's screen are.

use ratatui::layout::{Constraint, Layout, Rect};

/// A list that can be scrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// Who sends.
    Sources,
    /// Who reads.
    Clients,
    /// What happened.
    Log,
}

impl Pane {
    /// All of them, from the top.
    pub const ALL: [Self; 3] = [Self::Sources, Self::Clients, Self::Log];

    /// The pane so many further on.
    #[must_use]
    pub fn step(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|pane| *pane == self);
        Self::ALL[(at.unwrap_or(0) + by) % Self::ALL.len()]
    }
}

/// Header, upper row, sources, clients, log and footer of a screen.
pub(crate) fn rooms(area: Rect) -> [Rect; 6] {
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

/// The rows that a list has for its own, on a terminal of this size.
pub fn room_of(pane: Pane, (columns, rows): (u16, u16)) -> usize {
    let [_, _, sources, clients, log, _] = rooms(Rect::new(0, 0, columns, rows));
    // Two are the frame's, and one is for what the columns are called.
    let room = match pane {
        Pane::Sources => sources.height.saturating_sub(3),
        Pane::Clients => clients.height.saturating_sub(3),
        Pane::Log => log.height.saturating_sub(2),
    };
    usize::from(room)
}
