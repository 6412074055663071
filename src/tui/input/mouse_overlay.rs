//! The mouse in overlays: the first press moves the cursor to a row, the second one acts on it.

use ratatui::layout::{Margin, Position, Rect};

use crate::tui::action::Effect;
use crate::tui::customerio::view as customerio;
use crate::tui::dead_letters::state::DeadLetters;
use crate::tui::dead_letters::view as dead_letters;
use crate::tui::detail::view as detail;
use crate::tui::frame::overlays::Overlay;
use crate::tui::input::keymap::Command;
use crate::tui::input::navigate::move_cursor;
use crate::tui::input::perform::perform;
use crate::tui::inspector::update::document;
use crate::tui::inspector::view as inspector;
use crate::tui::limits::view as limits;
use crate::tui::properties::view as properties;
use crate::tui::stages::query::rows;
use crate::tui::stages::update::cursor;
use crate::tui::stages::view as stages;
use crate::tui::state::State;
use crate::tui::why::view as why;
use crate::tui::widget::list::scroll;

/// The list of an overlay.
struct List {
    /// Its area with the border.
    area: Rect,
    /// Rows above the first entry.
    lead: u16,
    /// The entry of the cursor.
    row: usize,
    /// Number of entries.
    count: usize,
    /// The command of a second press.
    does: Command,
}

/// Handles a press of the left button in the overlay on top.
pub(crate) fn press(state: &mut State, at: Position) -> Vec<Effect> {
    let list = list(state);
    let Some((list, row)) = list.and_then(|list| list.row_at(at).map(|row| (list, row))) else {
        return Vec::new();
    };
    if row == list.row {
        return perform(state, list.does);
    }
    move_cursor(state, row as i64 - list.row as i64)
}

impl List {
    /// A list that fills its area.
    fn new(area: Rect, row: usize, count: usize, does: Command) -> Self {
        Self {
            area,
            lead: 0,
            row: row.min(count.saturating_sub(1)),
            count,
            does,
        }
    }

    /// The entry at a position.
    fn row_at(&self, at: Position) -> Option<usize> {
        let inside = self.area.inner(Margin::new(1, 1));
        let below = at.y.checked_sub(inside.y + self.lead)?;
        let height = usize::from(inside.height.saturating_sub(self.lead));
        let row = scroll(self.row, height, self.count) + usize::from(below);
        (inside.contains(at) && row < self.count).then_some(row)
    }
}

/// The list of the overlay on top, if the mouse can choose its rows.
fn list(state: &State) -> Option<List> {
    let areas = state.areas();
    let area = areas.overlay;
    match state.overlays.top()? {
        Overlay::Stages(open) => {
            let area = stages::list_area(area, state);
            let count = rows(state.shown()).len();
            Some(List {
                lead: 1,
                ..List::new(area, cursor(state, open), count, Command::Open)
            })
        }
        Overlay::Limit(open) => {
            let [area, _] = limits::divided(area, open);
            let count = open.breakdown.as_ref().map_or(0, |b| b.groups.len());
            Some(List::new(area, open.row, count, Command::Open))
        }
        Overlay::Properties(open) => {
            let [area, _] = properties::divided(area);
            let count = open.found.as_ref().map_or(0, |found| found.all.len());
            Some(List::new(area, open.row, count, Command::FindProperty))
        }
        Overlay::DeadLetters(open) => letters(state, open, area),
        Overlay::Why(open) => {
            let area = why::timeline_area(area, open, state);
            let count = open.answer.as_ref().map_or(0, |a| a.timeline.len());
            Some(List::new(area, open.row(), count, Command::Open))
        }
        Overlay::CustomerIo(open) => {
            let area = customerio::timeline_area(area, open, state);
            let count = open.found().map_or(0, |found| found.timeline.len());
            Some(List::new(area, open.cursor(), count, Command::Open))
        }
        Overlay::Inspector(open) if state.is_docked() => {
            let count = document(open).len();
            Some(List {
                lead: detail::document_lead(areas.detail, open, state)?,
                ..List::new(areas.detail, open.line, count, Command::Fold)
            })
        }
        Overlay::Inspector(open) => {
            let area = inspector::document_area(areas.inspector, open.shows_mapped());
            Some(List::new(
                area,
                open.line,
                document(open).len(),
                Command::Fold,
            ))
        }
        // The rows of a person are those of the list of events; a map of hours has none.
        Overlay::Person(_) | Overlay::Audit(_) => None,
    }
}

/// The groups of dead letters, or the dead letters of the open group while no request has the cursor.
fn letters(state: &State, open: &DeadLetters, area: Rect) -> Option<List> {
    let Some(opened) = &open.opened else {
        let count = state.snapshot.dead_letters.len();
        return Some(List::new(area, open.row, count, Command::Open));
    };
    if opened.line.is_some() {
        return None;
    }
    let [area, _] = dead_letters::divided(area, state.is_docked());
    let count = opened.dead_letters.as_ref().map_or(0, Vec::len);
    Some(List::new(area, opened.cursor, count, Command::Open))
}
