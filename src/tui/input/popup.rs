//! Key presses in popups: each popup gets the command of the key, or the text that is typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::protocol::Command as PipelineCommand;
use crate::tui::action::Effect;
use crate::tui::compare::update as compare;
use crate::tui::copy::update as copy;
use crate::tui::delivery::retry_now;
use crate::tui::delivery::update::drain;
use crate::tui::events::columns::update as columns;
use crate::tui::events::find_update::type_find;
use crate::tui::events::jump;
use crate::tui::filters::conflict::update as conflict;
use crate::tui::filters::editor::update::type_rule;
use crate::tui::filters::for_time;
use crate::tui::filters::history::update::type_history;
use crate::tui::filters::presets::update as presets;
use crate::tui::frame::focus::PopupKind;
use crate::tui::frame::popup::{Confirm, Popup};
use crate::tui::input::help::update as help;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::input::list_find::update as list_find;
use crate::tui::input::navigate::move_cursor;
use crate::tui::input::palette::update as palette;
use crate::tui::row::exclude;
use crate::tui::searches::update as searches;
use crate::tui::state::State;
use crate::tui::tour::update as tour;
use crate::tui::watches::update as watches;
use crate::tui::why::update as why;

pub(crate) fn type_into_popup(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    let kind = state.popup.as_ref().map(Popup::kind);
    let command = kind.and_then(|kind| state.keymap.look_up_in_popup(key, kind));
    carry_out(state, command, key)
}

/// Carries out a command in the popup, or hands the key to it.
pub(crate) fn carry_out(state: &mut State, command: Option<Command>, key: KeyEvent) -> Vec<Effect> {
    let Some(popup) = state.popup.take() else {
        return Vec::new();
    };
    let key = match popup.kind() {
        PopupKind::Text => text_key(key, command),
        _ => key,
    };
    match popup {
        Popup::Help(open) => help::type_key(state, open, command, key),
        Popup::Confirm(confirm) => answer(state, confirm, command),
        Popup::Find(prompt) => type_find(state, prompt, (command, key)),
        Popup::ListFind(prompt) => list_find::type_key(state, prompt, key),
        Popup::Palette(palette) => palette::type_key(state, palette, key),
        Popup::Rule(editor) => type_rule(state, editor, key),
        Popup::History(scroll) => type_history(state, scroll, command),
        Popup::ForTime(input) => for_time::type_time(state, input, key),
        Popup::Copy(row) => copy::chosen(state, row, command),
        Popup::Exclude(row) => exclude::chosen(state, row, command),
        Popup::Why(input) => why::type_question(state, input, key),
        Popup::GoTo(input) => jump::type_time(state, input, key),
        Popup::Export => jump::export(state, command),
        Popup::Watches(list) => watches::type_key(state, list, command, key),
        Popup::Searches(list) => searches::type_key(state, list, command, key),
        Popup::Presets(open) => presets::type_key(state, open, command, key),
        Popup::Columns(open) => columns::type_key(state, open, command, key),
        Popup::Compare(open) => compare::type_key(state, open, command),
        Popup::Conflict(open) => conflict::chosen(state, open, command),
        Popup::Tour(open) => tour::type_key(state, open, key.code).unwrap_or_default(),
    }
}

/// The key by which text fields know a command. A key that is bound to another command, or to none,
/// is not one of these.
fn text_key(key: KeyEvent, command: Option<Command>) -> KeyEvent {
    let code = match command {
        Some(Command::InPopup(does)) => match does {
            PopupCommand::Accept => KeyCode::Enter,
            PopupCommand::Cancel => KeyCode::Esc,
            PopupCommand::Earlier => KeyCode::Up,
            PopupCommand::Later => KeyCode::Down,
            PopupCommand::Complete => KeyCode::Tab,
            PopupCommand::CompleteBack => KeyCode::BackTab,
            _ => KeyCode::Null,
        },
        _ => match key.code {
            KeyCode::Enter
            | KeyCode::Esc
            | KeyCode::Up
            | KeyCode::Down
            | KeyCode::Tab
            | KeyCode::BackTab => KeyCode::Null,
            _ => return key,
        },
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}

/// Handles a key in a question.
fn answer(state: &mut State, confirm: Confirm, command: Option<Command>) -> Vec<Effect> {
    let asks_gate = matches!(confirm, Confirm::Gate(_) | Confirm::Resume);
    match command {
        Some(Command::InPopup(PopupCommand::Yes)) => confirmed(state, confirm),
        Some(Command::InPopup(PopupCommand::No)) => Vec::new(),
        // The first key asks about the gate, so that both are the usual “gg”.
        Some(Command::Top) if asks_gate => move_cursor(state, i64::MIN / 2),
        _ => {
            state.popup = Some(Popup::Confirm(confirm));
            Vec::new()
        }
    }
}

pub(crate) fn confirmed(state: &mut State, confirm: Confirm) -> Vec<Effect> {
    match confirm {
        Confirm::Gate(mode) => vec![Effect::Pipeline(PipelineCommand::SetGate(mode))],
        Confirm::Resume => retry_now::ask(state),
        Confirm::Quit => drain(state),
        Confirm::RetryDeadLetters(which, _) => {
            vec![Effect::Pipeline(PipelineCommand::RetryDeadLetters(which))]
        }
        Confirm::DiscardDeadLetters(which, _) => {
            vec![Effect::Pipeline(PipelineCommand::DiscardDeadLetters(which))]
        }
    }
}
