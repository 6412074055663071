//! The prompt for a search.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::tui::action::Effect;
use crate::tui::events::find::Find;
use crate::tui::frame::focus::Pane;
use crate::tui::frame::popup::Popup;
use crate::tui::state::State;

pub(crate) fn type_find(state: &mut State, mut input: Input, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => {
            state.events.find = None;
            return Vec::new();
        }
        KeyCode::Enter => {
            state.focus = Pane::Events;
            return Vec::new();
        }
        _ => {}
    }
    input.handle_event(&TerminalEvent::Key(key));
    // The list follows the typing.
    state.events.find = Find::parse(input.value());
    state.events.cursor = None;
    state.events.following = state.frozen.is_none();
    state.popup = Some(Popup::Find(input));
    Vec::new()
}
