//! The group of dead letters under the cursor.

use crate::delivery::spool::dead_letters::{DeadLetterGroup, DeadLetterRow};
use crate::tui::state::State;

/// The row under the cursor, if the dead letters are open.
pub(crate) fn row(state: &State) -> Option<&DeadLetterRow> {
    let rows = &state.snapshot.dead_letters;
    let cursor = state.overlays.dead_letters()?.row;
    rows.get(cursor.min(rows.len().checked_sub(1)?))
}

/// The group under the cursor.
pub(crate) fn group(state: &State) -> Option<&DeadLetterGroup> {
    row(state).map(|row| &row.group)
}

/// The group whose newest dead letter the detail pane shows.
pub(crate) fn previewed_group(state: &State) -> Option<&DeadLetterGroup> {
    let is_open = state.overlays.dead_letters()?.opened.is_some();
    group(state).filter(|_| !is_open && state.is_docked())
}
