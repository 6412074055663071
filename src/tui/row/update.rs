//! The actions on a row that need its event.

use crate::tui::action::Effect;
use crate::tui::events::current::at;
use crate::tui::frame::popup::Popup;
use crate::tui::inspector::query::Inspected;
use crate::tui::row::kind::RowAction;
use crate::tui::row::retry;
use crate::tui::state::State;

/// Loads the event of the row for an action.
pub(crate) fn ask(state: &mut State, what: RowAction) -> Vec<Effect> {
    match at(state) {
        Some(sequence) => vec![Effect::Load(sequence, what)],
        None => {
            state.notify("no event yet");
            Vec::new()
        }
    }
}

/// Opens the choice of an action with the loaded event, or goes on with it.
pub(crate) fn loaded(
    state: &mut State,
    what: RowAction,
    found: Option<Box<Inspected>>,
) -> Vec<Effect> {
    let Some(found) = found else {
        state.notify_error("the event has left the ring (screen.ring_bytes sets its size)");
        return Vec::new();
    };
    match what {
        RowAction::Exclude => state.popup = Some(Popup::Exclude(found)),
        RowAction::Copy => state.popup = Some(Popup::Copy(Some(found))),
        RowAction::Retry => return retry::look_up(state, &found),
    }
    Vec::new()
}
