//! The choice of what becomes of a draft whose filters somebody else has changed.

use crate::filter::change::changes;
use crate::tui::action::Effect;
use crate::tui::filters::apply::{apply, apply_for};
use crate::tui::filters::conflict::state::Conflict;
use crate::tui::filters::undo::discard_draft;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;

pub(crate) fn chosen(state: &mut State, open: Conflict, command: Option<Command>) -> Vec<Effect> {
    match command {
        Some(Command::InPopup(PopupCommand::Choice(0))) => {
            if !rebase(state) {
                return Vec::new();
            }
            return match open.for_ms {
                Some(ms) => apply_for(state, ms),
                None => apply(state),
            };
        }
        Some(Command::InPopup(PopupCommand::Choice(1))) => _ = rebase(state),
        Some(Command::InPopup(PopupCommand::Choice(2))) => discard_draft(state),
        Some(Command::Back) => {
            let apply = state.key(Command::Apply);
            state.notify(format!("the draft stays open: {apply} asks again"));
        }
        _ => state.popup = Some(Popup::Conflict(open)),
    }
    Vec::new()
}

/// Makes the draft one of the filters in force, with its own changes. Closes it and returns false if
/// these have been made by the others too.
fn rebase(state: &mut State) -> bool {
    let Some(draft) = state.draft.take() else {
        return false;
    };
    let draft = draft.rebased(state.versioned_filters());
    state.preview = None;
    if changes(&state.filters, &draft.filters).is_empty() {
        state.notify("the draft is closed: the filters in force have all of its changes");
        return false;
    }
    state.draft = Some(draft);
    true
}
