//! Key presses in the list of changes.

use crate::tui::action::Effect;
use crate::tui::filters::undo::undo;
use crate::tui::filters::update::export_history;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::widget::list::moved;

pub(crate) fn type_history(
    state: &mut State,
    scroll: usize,
    command: Option<Command>,
) -> Vec<Effect> {
    let last = state.history.log().len().saturating_sub(1);
    let scroll = match command {
        Some(Command::Back) => return Vec::new(),
        Some(command) => moved(scroll, command, last).unwrap_or(scroll),
        None => scroll,
    };
    state.popup = Some(Popup::History(scroll));
    match command {
        Some(Command::InPopup(PopupCommand::Export)) => export_history(state),
        Some(Command::InPopup(PopupCommand::Undo)) => undo(state),
        _ => Vec::new(),
    }
}
