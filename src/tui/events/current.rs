//! The event that a command acts on.

use crate::tui::frame::overlays::Overlay;
use crate::tui::state::State;

/// The current event: under the cursor of an answer's timeline, or inspected, or else under the cursor
/// of the events pane, or else in the detail pane, or else on top.
pub(crate) fn at(state: &State) -> Option<u64> {
    if let Some(Overlay::Why(open)) = state.overlays.top() {
        return open.selected().map(|record| record.sequence);
    }
    if let Some(Overlay::CustomerIo(open)) = state.overlays.top() {
        return open.selected();
    }
    let events = &state.events;
    let on_top = events.page.rows.first().map(|row| row.sequence);
    let inspected = state.overlays.inspector().map(|i| i.sequence);
    let detail = state.detail.shown.as_ref().map(|(_, i)| i.sequence);
    let detail = detail.filter(|_| state.is_docked());
    inspected.or(events.cursor).or(detail).or(on_top)
}
