//! Key presses in the help.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::tui::action::Effect;
use crate::tui::frame::popup::Popup;
use crate::tui::input::help::content::parts;
use crate::tui::input::help::state::Help;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::widget::list::moved;
use crate::tui::widget::theme::Theme;

/// Maximum lines of the help. The view limits the scrolling to what there is.
const LONGEST: usize = 400;

/// Handles a key, with its command.
pub(crate) fn type_key(
    state: &mut State,
    mut help: Help,
    command: Option<Command>,
    key: KeyEvent,
) -> Vec<Effect> {
    if help.is_searching {
        match key.code {
            KeyCode::Esc => {
                help.search = Input::default();
                help.is_searching = false;
            }
            KeyCode::Enter => help.is_searching = false,
            KeyCode::Up => help.scroll = help.scroll.saturating_sub(1),
            KeyCode::Down => help.scroll += 1,
            _ => {
                help.search.handle_event(&TerminalEvent::Key(key));
                help.scroll = 0;
            }
        }
        state.popup = Some(Popup::Help(help));
        return Vec::new();
    }
    // All parts, and each one.
    let count = parts(state, &Theme::plain(false)).len() + 1;
    match command {
        Some(Command::Back) if !help.search.value().is_empty() => help.search = Input::default(),
        Some(Command::Back) => return Vec::new(),
        Some(Command::Find) => help.is_searching = true,
        Some(Command::InPopup(PopupCommand::NextSection)) => {
            (help.part, help.scroll) = ((help.part + 1) % count, 0);
        }
        Some(Command::InPopup(PopupCommand::PreviousSection)) => {
            (help.part, help.scroll) = ((help.part + count - 1) % count, 0);
        }
        Some(command) => help.scroll = moved(help.scroll, command, LONGEST).unwrap_or(help.scroll),
        None => {}
    }
    state.popup = Some(Popup::Help(help));
    Vec::new()
}
