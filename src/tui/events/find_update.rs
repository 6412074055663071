//! Key presses in the prompt for a search: the list follows the typing.

use crossterm::event::{KeyCode, KeyEvent};

use crate::tui::action::Effect;
use crate::tui::events::find_prompt::FindPrompt;
use crate::tui::frame::focus::Pane;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::searches::update as searches;
use crate::tui::state::State;
use crate::tui::widget::condition_input::remember;

/// Opens the prompt.
pub(crate) fn open(state: &mut State) -> Vec<Effect> {
    state.notice = None;
    state.popup = Some(Popup::Find(FindPrompt::new(state.events.find.as_ref())));
    vec![Effect::Catalog]
}

/// Handles a key, with its command.
pub(crate) fn type_find(
    state: &mut State,
    mut prompt: FindPrompt,
    (command, key): (Option<Command>, KeyEvent),
) -> Vec<Effect> {
    let saves = command == Some(Command::InPopup(PopupCommand::SaveSearch));
    match key.code {
        KeyCode::Esc => {
            state.events.find = None;
            return Vec::new();
        }
        KeyCode::Enter | KeyCode::Null if saves || key.code == KeyCode::Enter => {
            if let Some(error) = &prompt.error {
                let text = "' in front of it searches for the text";
                state.notify_error(format!("{}; {text}", error.message));
                state.popup = Some(Popup::Find(prompt));
                return Vec::new();
            }
            return accept(state, saves);
        }
        _ => {}
    }
    prompt.text.type_key(key, &state.catalog, &state.finds);
    let find = prompt.parse();
    prompt.check(&state.catalog);
    // The list follows the typing. While a condition is incomplete, it is that of before.
    let is_incomplete = prompt.error.is_some() && !prompt.text.value().trim().starts_with('~');
    let find = if is_incomplete {
        prompt.before.clone()
    } else {
        find
    };
    if state.events.find != find {
        state.events.find = find;
        state.events.cursor = None;
        state.events.following = state.frozen.is_none();
    }
    state.notice = None;
    state.popup = Some(Popup::Find(prompt));
    Vec::new()
}

/// Closes the prompt and keeps the search, or saves it under a name.
fn accept(state: &mut State, saves: bool) -> Vec<Effect> {
    state.focus = Pane::Events;
    if let Some(find) = &state.events.find {
        remember(&mut state.finds, &find.text);
    }
    if saves {
        searches::open(state);
    }
    Vec::new()
}
