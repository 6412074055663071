//! Who has the mouse: the screen or the terminal.

use crate::tui::action::Effect;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;

/// To the terminal, which selects text with it; or back.
pub(crate) fn hand_over(state: &mut State) -> Vec<Effect> {
    state.has_mouse = !state.has_mouse;
    let key = state.key(Command::Mouse);
    let says = if state.has_mouse {
        format!("the mouse is the screen's: {key} hands it to the terminal")
    } else {
        format!("the mouse is the terminal's: it selects text; {key} takes it back")
    };
    state.inform(says);
    vec![Effect::Mouse(state.has_mouse)]
}
