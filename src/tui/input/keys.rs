//! Key presses: to the popup, or to the command that they are bound to.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::action::Effect;
use crate::tui::frame::popup::Popup;
use crate::tui::input::perform::perform;
use crate::tui::input::popup::type_into_popup;
use crate::tui::state::State;
use crate::tui::tour::update as tour;

pub(crate) fn on_key(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    if key.kind == crossterm::event::KeyEventKind::Release {
        return Vec::new();
    }
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    if state.draining {
        let leaves = interrupt || matches!(key.code, KeyCode::Char('q'));
        return if leaves {
            vec![Effect::Hurry]
        } else {
            Vec::new()
        };
    }
    if let Some(Popup::Tour(open)) = state.popup {
        if let Some(effects) = tour::type_key(state, open, key.code) {
            return effects;
        }
        let mut effects = tour::end(state);
        effects.extend(on_key(state, key));
        return effects;
    }
    if state.popup.is_some() {
        if interrupt {
            state.popup = None;
            return Vec::new();
        }
        return type_into_popup(state, key);
    }
    match state.keymap.look_up(key, state.input_context()) {
        Some(does) => perform(state, does),
        None => Vec::new(),
    }
}
