//! Shows the events when a command acts on one of them while the preview of a draft covers them.

use crate::tui::frame::focus::Pane;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;

/// Shows the events, as the draft would decide, if a command is about to act on one that is not
/// visible. Returns whether the command has to wait: the operator has not seen the event.
pub(crate) fn reveal(state: &mut State, does: Command) -> bool {
    let in_events = state.focus == Pane::Events;
    let moves = matches!(
        does,
        Command::Up
            | Command::Down
            | Command::HalfUp
            | Command::HalfDown
            | Command::PageUp
            | Command::PageDown
            | Command::Top
            | Command::Bottom
            | Command::NextMatch
            | Command::PreviousMatch
    );
    let acts = match does {
        Command::Open
        | Command::Properties
        | Command::Select
        | Command::ExcludeThis
        | Command::Copy => in_events,
        Command::Person | Command::Bookmark => true,
        _ => false,
    };
    if !(acts || moves && in_events) || !state.overlays.is_empty() {
        return false;
    }
    let Some(draft) = state.draft.as_mut().filter(|draft| !draft.shows_events) else {
        return false;
    };
    draft.shows_events = true;
    if acts {
        let preview = state.key(Command::LookThrough);
        let message = format!(
            "events as the draft would decide them: choose one ({preview} in the filters: the preview)"
        );
        state.notify(message);
    }
    acts
}
