//! Key presses in the list of presets: save, switch, compare, delete.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::tui::action::Effect;
use crate::tui::filters::presets::state::{Presets, Prompt};
use crate::tui::filters::update::edit;
use crate::tui::frame::focus::Pane;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::widget::list::moved;

pub(crate) fn open(state: &mut State) {
    state.popup = Some(Popup::Presets(Presets::default()));
}

pub(crate) fn type_key(
    state: &mut State,
    mut open: Presets,
    command: Option<Command>,
    key: KeyEvent,
) -> Vec<Effect> {
    match open.prompt.take() {
        Some(Prompt::Name(input)) => return type_name(state, open, input, key),
        Some(Prompt::Delete(name)) => {
            let effects = match command {
                Some(Command::InPopup(PopupCommand::Yes)) => delete(state, &name),
                _ => Vec::new(),
            };
            state.popup = Some(Popup::Presets(open));
            return effects;
        }
        None => {}
    }
    let last = state.presets.len().saturating_sub(1);
    open.row = open.row.min(last);
    let name = state.presets.keys().nth(open.row).cloned();
    let does = match command {
        Some(Command::Back) => return Vec::new(),
        Some(Command::InPopup(does)) => Some(does),
        Some(command) => {
            open.row = moved(open.row, command, last).unwrap_or(open.row);
            None
        }
        None => None,
    };
    match does {
        Some(PopupCommand::Choose) => {
            if let Some(name) = name {
                return switch(state, &name);
            }
        }
        Some(PopupCommand::Mark) => {
            open.against = match (&open.against, name) {
                (Some(marked), Some(name)) if *marked == name => None,
                (_, name) => name,
            };
        }
        Some(PopupCommand::SaveAs | PopupCommand::New) => {
            open.prompt = Some(Prompt::Name(Input::default()));
        }
        Some(PopupCommand::Remove) => open.prompt = name.map(Prompt::Delete),
        _ => {}
    }
    state.popup = Some(Popup::Presets(open));
    Vec::new()
}

/// Makes the preset the draft, so that its preview is visible before it is applied.
fn switch(state: &mut State, name: &str) -> Vec<Effect> {
    let Some(preset) = state.presets.get(name).cloned() else {
        return Vec::new();
    };
    edit(state, |draft| *draft = preset);
    if state.draft.is_none() {
        state.notify(format!("preset “{name}” equals the active filters"));
        return Vec::new();
    }
    state.focus = Pane::Filters;
    state.zoomed = false;
    state.notify(format!(
        "preset “{name}” is now the draft: {} applies it",
        state.key(Command::Apply)
    ));
    Vec::new()
}

fn type_name(state: &mut State, mut open: Presets, mut input: Input, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => {}
        KeyCode::Enter => {
            let name = input.value().trim().to_owned();
            if !name.is_empty() {
                let filters = state.edited().clone();
                state.presets.insert(name.clone(), filters.clone());
                open.row = state.presets.keys().position(|n| *n == name).unwrap_or(0);
                state.popup = Some(Popup::Presets(open));
                return keep(state, name, Some(filters));
            }
        }
        _ => {
            input.handle_event(&TerminalEvent::Key(key));
            open.prompt = Some(Prompt::Name(input));
        }
    }
    state.popup = Some(Popup::Presets(open));
    Vec::new()
}

fn delete(state: &mut State, name: &str) -> Vec<Effect> {
    state.presets.remove(name);
    keep(state, name.to_owned(), None)
}

/// Saves the preset, or its deletion, if there is a configuration file.
fn keep(state: &mut State, name: String, filters: Option<crate::filter::Filters>) -> Vec<Effect> {
    if state.labels.save_to.is_some() {
        return vec![Effect::SavePreset(name, filters)];
    }
    let message = match filters {
        Some(_) => format!(
            "preset “{name}” kept until the program ends (--config names a file to save it to)"
        ),
        None => format!("preset “{name}” deleted"),
    };
    state.notify(message);
    Vec::new()
}
