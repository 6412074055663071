//! Key presses in the list of saved searches.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

use crate::tui::action::Effect;
use crate::tui::events::find::Find;
use crate::tui::events::update::follow;
use crate::tui::frame::focus::Pane;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::searches::state::{Search, SearchEditor, SearchList};
use crate::tui::state::State;
use crate::tui::widget::condition_input::remember;
use crate::tui::widget::list::moved;

/// Maximum saved searches.
const MAX_SEARCHES: usize = 100;

/// Opens the list. An active search that is not saved yet is offered for saving.
pub(crate) fn open(state: &mut State) {
    let mut list = SearchList::default();
    let active = state.events.find.as_ref();
    let is_saved = |find: &&Find| state.searches.iter().any(|saved| saved.text == find.text);
    if let Some(find) = active.filter(|find| !is_saved(find)) {
        let search = Search {
            name: String::new(),
            text: find.text.clone(),
        };
        list.editor = Some(SearchEditor::new(None, search));
    }
    state.popup = Some(Popup::Searches(list));
}

/// Handles a key of the list, with its command.
pub(crate) fn type_key(
    state: &mut State,
    mut open: SearchList,
    command: Option<Command>,
    key: KeyEvent,
) -> Vec<Effect> {
    if let Some(editor) = open.editor.take() {
        return type_editor(state, open, editor, key);
    }
    let last = state.searches.len().saturating_sub(1);
    open.row = open.row.min(last);
    let mut effects = Vec::new();
    match command {
        Some(Command::Back) => return Vec::new(),
        Some(Command::InPopup(PopupCommand::Choose)) => {
            if let Some(search) = state.searches.get(open.row).cloned() {
                return run(state, &search);
            }
        }
        Some(Command::InPopup(PopupCommand::New)) => {
            let empty = Search {
                name: String::new(),
                text: String::new(),
            };
            open.editor = Some(SearchEditor::new(None, empty));
        }
        Some(Command::InPopup(PopupCommand::Edit)) => {
            let search = state.searches.get(open.row).cloned();
            open.editor = search.map(|search| SearchEditor::new(Some(open.row), search));
        }
        Some(Command::InPopup(PopupCommand::Remove)) if open.row < state.searches.len() => {
            state.searches.remove(open.row);
            effects.push(Effect::Remember);
        }
        Some(command) => open.row = moved(open.row, command, last).unwrap_or(open.row),
        None => {}
    }
    state.popup = Some(Popup::Searches(open));
    effects
}

/// Searches the events.
fn run(state: &mut State, search: &Search) -> Vec<Effect> {
    state.events.find = Find::parse(&search.text);
    remember(&mut state.finds, &search.text);
    state.focus = Pane::Events;
    follow(state);
    Vec::new()
}

fn type_editor(
    state: &mut State,
    mut list: SearchList,
    mut editor: SearchEditor,
    key: KeyEvent,
) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc if state.searches.is_empty() => return Vec::new(),
        KeyCode::Esc => {
            state.popup = Some(Popup::Searches(list));
            return Vec::new();
        }
        KeyCode::Enter => match written(&editor, state.searches.len()) {
            Ok(search) => {
                list.row = editor.index.unwrap_or(state.searches.len());
                match state.searches.get_mut(list.row) {
                    Some(saved) => *saved = search,
                    None => state.searches.push(search),
                }
                state.notice = None;
                state.popup = Some(Popup::Searches(list));
                return vec![Effect::Remember];
            }
            Err(why) => state.notify_error(why),
        },
        KeyCode::Tab | KeyCode::BackTab | KeyCode::Up | KeyCode::Down => {
            editor.in_text = !editor.in_text;
        }
        _ => {
            let event = TerminalEvent::Key(key);
            let field = if editor.in_text {
                &mut editor.text
            } else {
                &mut editor.name
            };
            field.handle_event(&event);
        }
    }
    list.editor = Some(editor);
    state.popup = Some(Popup::Searches(list));
    Vec::new()
}

/// The search in the editor; `saved` is the number of searches. Fails if it can't be saved.
fn written(editor: &SearchEditor, saved: usize) -> Result<Search, String> {
    let find = Find::parse(editor.text.value());
    let find = find.ok_or("write a text, a condition, or ~ and a regular expression")?;
    if let Some(error) = find.error() {
        return Err(error.message.clone());
    }
    if editor.index.is_none() && saved >= MAX_SEARCHES {
        return Err(format!("{MAX_SEARCHES} searches are saved, the maximum"));
    }
    Ok(Search {
        name: editor.name.value().trim().to_owned(),
        text: find.text,
    })
}
