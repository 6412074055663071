//! Typing into what lies over the screen: questions, the find, commands, a rule.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::filters::apply;
use super::{drain, perform, say};
use crate::filter::{Condition, Effect as RuleEffect, Rule};
use crate::protocol::Command;
use crate::tui::action::Effect;
use crate::tui::finder::Find;
use crate::tui::keymap;
use crate::tui::state::{Confirm, FilterCursor, Pane, Popup, RuleEditor, RuleField, State};

pub(super) fn type_into_popup(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    let Some(popup) = state.popup.take() else {
        return Vec::new();
    };
    match popup {
        Popup::Help(scroll) => {
            let scrolled = match key.code {
                KeyCode::Down | KeyCode::Char('j') => Some(scroll + 1),
                KeyCode::Up | KeyCode::Char('k') => Some(scroll.saturating_sub(1)),
                KeyCode::PageDown | KeyCode::Char(' ') => Some(scroll + 10),
                KeyCode::PageUp => Some(scroll.saturating_sub(10)),
                _ => None,
            };
            state.popup = scrolled.map(Popup::Help);
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
        Popup::Command(input) => type_command(state, input, key),
        Popup::Rule(editor) => type_rule(state, editor, key),
    }
}

pub(super) fn confirmed(state: &mut State, confirm: Confirm) -> Vec<Effect> {
    match confirm {
        Confirm::Gate(mode) => vec![Effect::Pipeline(Command::SetGate(mode))],
        Confirm::Resume => vec![Effect::Pipeline(Command::Resume)],
        Confirm::Quit => drain(state),
        Confirm::RetryLetters(which, _) => {
            vec![Effect::Pipeline(Command::RetryLetters(which))]
        }
        Confirm::DiscardLetters(which, _) => {
            vec![Effect::Pipeline(Command::DiscardLetters(which))]
        }
        Confirm::DeleteRule(index) => {
            if index < state.filters.rules.len() {
                let gone = state.filters.rules.remove(index);
                say(state, format!("rule “{}” is deleted", gone.name), false);
            }
            let last = state.filters.rules.len().checked_sub(1);
            state.filter_cursor = last.map_or(FilterCursor::Type(None), |last| {
                FilterCursor::Rule(index.min(last))
            });
            apply(state)
        }
    }
}

pub(super) fn type_find(state: &mut State, mut input: Input, key: KeyEvent) -> Vec<Effect> {
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

pub(super) fn type_command(state: &mut State, mut input: Input, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Tab => {
            let typed = input.value().to_owned();
            if let Some(found) = keymap::KEYS.iter().find(|b| b.name.starts_with(&typed)) {
                input = Input::new(found.name.to_owned());
            }
        }
        KeyCode::Enter => {
            let name = input.value().trim().to_owned();
            return match keymap::by_name(&name) {
                Some(binding) => perform(state, binding.does),
                None => {
                    say(
                        state,
                        format!("there is no command {name}; ? lists them"),
                        true,
                    );
                    Vec::new()
                }
            };
        }
        _ => {
            input.handle_event(&TerminalEvent::Key(key));
        }
    }
    state.popup = Some(Popup::Command(input));
    Vec::new()
}

pub(super) fn type_rule(
    state: &mut State,
    mut editor: Box<RuleEditor>,
    key: KeyEvent,
) -> Vec<Effect> {
    const FIELDS: [RuleField; 4] = [
        RuleField::Name,
        RuleField::Effect,
        RuleField::When,
        RuleField::Sample,
    ];
    let at = FIELDS.iter().position(|f| *f == editor.field).unwrap_or(0);
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter => return finish_rule(state, editor),
        KeyCode::Tab | KeyCode::Down => editor.field = FIELDS[(at + 1) % FIELDS.len()],
        KeyCode::BackTab | KeyCode::Up => {
            editor.field = FIELDS[(at + FIELDS.len() - 1) % FIELDS.len()];
        }
        _ => {
            let event = TerminalEvent::Key(key);
            match editor.field {
                RuleField::Name => _ = editor.name.handle_event(&event),
                RuleField::When => _ = editor.when.handle_event(&event),
                RuleField::Sample => _ = editor.sample.handle_event(&event),
                RuleField::Effect => {
                    if matches!(
                        key.code,
                        KeyCode::Char(' ') | KeyCode::Left | KeyCode::Right
                    ) {
                        editor.effect = match editor.effect {
                            RuleEffect::Exclude => RuleEffect::Include,
                            RuleEffect::Include => RuleEffect::Exclude,
                        };
                    }
                }
            }
            editor.error = Condition::compile(editor.when.value()).err();
        }
    }
    state.popup = Some(Popup::Rule(editor));
    Vec::new()
}

/// Compile first, apply whole: a rule that is wrong stays in the editor.
pub(super) fn finish_rule(state: &mut State, mut editor: Box<RuleEditor>) -> Vec<Effect> {
    let refuse = |state: &mut State, editor: Box<RuleEditor>, why: String| {
        say(state, why, true);
        state.popup = Some(Popup::Rule(editor));
        Vec::new()
    };
    editor.error = Condition::compile(editor.when.value()).err();
    if editor.error.is_some() {
        editor.field = RuleField::When;
        return refuse(
            state,
            editor,
            "the condition does not compile: nothing is changed".to_owned(),
        );
    }
    let sample = editor
        .sample
        .value()
        .trim()
        .trim_end_matches('%')
        .trim()
        .parse::<f64>();
    let Some(sample) = sample.ok().filter(|s| *s > 0.0 && *s <= 100.0) else {
        editor.field = RuleField::Sample;
        return refuse(
            state,
            editor,
            "a sample is a percentage over 0 and up to 100".to_owned(),
        );
    };
    let name = editor.name.value().trim().to_owned();
    let mut others = state
        .filters
        .rules
        .iter()
        .enumerate()
        .filter(|(i, _)| Some(*i) != editor.index);
    if name.is_empty() || others.any(|(_, rule)| rule.name == name) {
        editor.field = RuleField::Name;
        return refuse(state, editor, "a rule has a name of its own".to_owned());
    }
    let when = editor.when.value().trim().to_owned();
    let mut rule = Rule {
        name,
        effect: editor.effect,
        when,
        on: true,
        sample,
    };
    match editor.index.and_then(|i| state.filters.rules.get_mut(i)) {
        Some(old) => {
            rule.on = old.on;
            *old = rule;
        }
        None => {
            state.filters.rules.push(rule);
            state.filter_cursor = FilterCursor::Rule(state.filters.rules.len() - 1);
        }
    }
    apply(state)
}
