//! Typing into what lies over the screen: questions, the find, commands, a rule.

use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::protocol::Command;
use crate::tui::action::Effect;
use crate::tui::editor::RuleEditor;
use crate::tui::finder::Find;
use crate::tui::frame::focus::Pane;
use crate::tui::state::{Confirm, FilterCursor, Popup, State};
use crate::tui::update::filters::{apply, apply_for, edit, export_history, undo};
use crate::tui::update::{copy, drain, palette, presets, seek, watches};

pub(crate) fn type_into_popup(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    let Some(popup) = state.popup.take() else {
        return Vec::new();
    };
    match popup {
        Popup::Help(scroll) => {
            state.popup = scrolled(scroll, key.code).map(Popup::Help);
            Vec::new()
        }
        Popup::Confirm(confirm) => match key.code {
            KeyCode::Char('y') => confirmed(state, confirm),
            KeyCode::Char('n' | 'q') | KeyCode::Esc => Vec::new(),
            _ => {
                state.popup = Some(Popup::Confirm(confirm));
                Vec::new()
            }
        },
        Popup::Find(input) => type_find(state, input, key),
        Popup::Palette(palette) => palette::type_key(state, palette, key),
        Popup::Rule(editor) => type_rule(state, editor, key),
        Popup::History(scroll) => type_history(state, scroll, key),
        Popup::ForTime(input) => type_time(state, input, key),
        Popup::Copy => copy::chosen(state, key.code),
        Popup::GoTo(input) => seek::type_time(state, input, key),
        Popup::Export => seek::export(state, key.code),
        Popup::Watches(list) => watches::type_key(state, list, key),
        Popup::Presets(open) => presets::type_key(state, open, key),
    }
}

pub(crate) fn confirmed(state: &mut State, confirm: Confirm) -> Vec<Effect> {
    match confirm {
        Confirm::Gate(mode) => vec![Effect::Pipeline(Command::SetGate(mode))],
        Confirm::Resume => vec![Effect::Pipeline(Command::Resume)],
        Confirm::Quit => drain(state),
        Confirm::RetryLetters(which, _) => {
            vec![Effect::Pipeline(Command::RetryDeadLetters(which))]
        }
        Confirm::DiscardLetters(which, _) => {
            vec![Effect::Pipeline(Command::DiscardDeadLetters(which))]
        }
    }
}

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
    // The list follows as one types.
    state.events.find = Find::parse(input.value());
    state.events.cursor = None;
    state.events.following = state.frozen.is_none();
    state.popup = Some(Popup::Find(input));
    Vec::new()
}

pub(crate) fn type_rule(
    state: &mut State,
    mut editor: Box<RuleEditor>,
    key: KeyEvent,
) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter => return finish_rule(state, editor),
        _ => editor.type_key(key, &state.catalog, &state.conditions),
    }
    state.popup = Some(Popup::Rule(editor));
    Vec::new()
}

/// Compile first, apply whole: a rule that is wrong stays in the editor. What the draft has
/// beside it comes into force with it: the preview showed both.
pub(crate) fn finish_rule(state: &mut State, mut editor: Box<RuleEditor>) -> Vec<Effect> {
    let mut filters = state.edited().clone();
    match editor.put_into(&mut filters) {
        Ok(index) => {
            state.filter_cursor = FilterCursor::Rule(index);
            remember(&mut state.conditions, editor.when.value().trim());
            edit(state, |draft| *draft = filters);
            apply(state)
        }
        Err(refusal) => {
            editor.field = refusal.field;
            state.refuse(refusal.why);
            state.popup = Some(Popup::Rule(editor));
            Vec::new()
        }
    }
}

/// So many conditions can be recalled.
const RECALLED: usize = 200;

fn remember(conditions: &mut Vec<String>, condition: &str) {
    conditions.retain(|known| known != condition);
    conditions.insert(0, condition.to_owned());
    conditions.truncate(RECALLED);
}

/// For how long the draft is put in force.
fn type_time(state: &mut State, mut input: Input, key: KeyEvent) -> Vec<Effect> {
    const MOST: Duration = Duration::from_secs(7 * 86_400);
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter => match humantime::parse_duration(input.value().trim()) {
            Ok(time) if !time.is_zero() && time <= MOST => {
                let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
                return apply_for(state, ms);
            }
            _ => {
                let says = "write 15min, 2h or 1day, and a week at the most";
                state.refuse(says);
            }
        },
        _ => {
            input.handle_event(&TerminalEvent::Key(key));
            state.message = None;
        }
    }
    state.popup = Some(Popup::ForTime(input));
    Vec::new()
}

fn type_history(state: &mut State, scroll: usize, key: KeyEvent) -> Vec<Effect> {
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

/// Where a list is scrolled to by this key; nothing where the key closes it.
fn scrolled(scroll: usize, key: KeyCode) -> Option<usize> {
    match key {
        KeyCode::Down | KeyCode::Char('j') => Some(scroll + 1),
        KeyCode::Up | KeyCode::Char('k') => Some(scroll.saturating_sub(1)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(scroll + 10),
        KeyCode::PageUp => Some(scroll.saturating_sub(10)),
        _ => None,
    }
}
