//! The event that a command acts on.

use crate::tui::state::State;

/// The current event: inspected, or else under the cursor, or else on top.
pub(crate) fn at(state: &State) -> Option<u64> {
    let events = &state.events;
    let on_top = events.page.rows.first().map(|row| row.sequence);
    let inspected = state.overlays.inspector().map(|i| i.sequence);
    inspected.or(events.cursor).or(on_top)
}
