//! The event that a command is about.

use crate::tui::state::State;

/// The event that is looked at: inspected, or under the cursor, or on top.
pub(crate) fn at(state: &State) -> Option<u64> {
    let events = &state.events;
    let on_top = events.page.rows.first().map(|row| row.sequence);
    let inspected = state.overlays.inspector().map(|i| i.sequence);
    inspected.or(events.cursor).or(on_top)
}
