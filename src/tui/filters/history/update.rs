//! Key presses in the list of changes.

use crossterm::event::{KeyCode, KeyEvent};

use crate::tui::action::Effect;
use crate::tui::filters::undo::undo;
use crate::tui::filters::update::export_history;
use crate::tui::frame::popup::Popup;
use crate::tui::state::State;
use crate::tui::widget::list::scrolled;

pub(crate) fn type_history(state: &mut State, scroll: usize, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Char('s') => {
            state.popup = Some(Popup::History(scroll));
            return export_history(state);
        }
        KeyCode::Char('u') => {
            state.popup = Some(Popup::History(scroll));
            return undo(state);
        }
        _ => {}
    }
    state.popup = scrolled(scroll, key.code).map(Popup::History);
    Vec::new()
}
