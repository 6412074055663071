//! The owner of the mouse: the screen or the terminal.

use crate::tui::action::Effect;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;

/// Gives the mouse to the terminal, which selects text with it, or takes it back.
pub(crate) fn hand_over(state: &mut State) -> Vec<Effect> {
    state.has_mouse = !state.has_mouse;
    let key = state.key(Command::Mouse);
    let message = if state.has_mouse {
        format!("the screen uses the mouse: {key} gives it to the terminal")
    } else {
        format!("the terminal uses the mouse, to select text: {key} to undo")
    };
    state.notify(message);
    vec![Effect::Mouse(state.has_mouse)]
}
