//! Changing the filters: types and rules. Each change is applied whole.

use tui_input::Input;

use super::{say, stepped};
use crate::filter::Effect as RuleEffect;
use crate::protocol::Command;
use crate::tui::action::Effect;
use crate::tui::keymap::Do;
use crate::tui::state::{FilterCursor, Popup, RuleEditor, RuleField, State};

pub(super) fn apply(state: &State) -> Vec<Effect> {
    vec![Effect::Pipeline(Command::SetFilters(state.filters.clone()))]
}

pub(super) fn toggle(state: &mut State) -> Vec<Effect> {
    match &state.filter_cursor {
        FilterCursor::Rule(index) => toggle_rule(state, *index),
        FilterCursor::Type(_) => {
            let types = state.types();
            let Some(row) = types.get(state.filter_row(&types)) else {
                return Vec::new();
            };
            let on = !state.filters.selects(&row.name);
            state.filter_cursor = FilterCursor::Type(Some(row.name.clone()));
            state.filters.types.insert(row.name.to_string(), on.into());
            apply(state)
        }
    }
}

pub(super) fn select_types(state: &mut State, does: Do) -> Vec<Effect> {
    let types = state.types();
    let selected = types
        .get(state.filter_row(&types))
        .map(|row| row.name.clone());
    if does == Do::Only
        && (selected.is_none() || matches!(state.filter_cursor, FilterCursor::Rule(_)))
    {
        return Vec::new();
    }
    for row in &types {
        let on = match does {
            Do::All => true,
            Do::None => false,
            _ => Some(&row.name) == selected.as_ref(),
        };
        state.filters.types.insert(row.name.to_string(), on.into());
    }
    apply(state)
}

pub(super) fn toggle_rule(state: &mut State, index: usize) -> Vec<Effect> {
    let Some(rule) = state.filters.rules.get_mut(index) else {
        say(
            state,
            format!("there is no rule {}; r writes a new one", index + 1),
            true,
        );
        return Vec::new();
    };
    rule.on = !rule.on;
    let text = format!(
        "rule {} “{}” is {}",
        index + 1,
        rule.name,
        if rule.on { "on" } else { "off" }
    );
    say(state, text, false);
    apply(state)
}

pub(super) fn selected_rule(state: &State) -> Option<usize> {
    match state.filter_cursor {
        FilterCursor::Rule(index) if index < state.filters.rules.len() => Some(index),
        _ => None,
    }
}

pub(super) fn move_rule(state: &mut State, by: i64) -> Vec<Effect> {
    let Some(index) = selected_rule(state) else {
        return Vec::new();
    };
    let to = stepped(index, by, state.filters.rules.len() - 1);
    if to == index {
        return Vec::new();
    }
    state.filters.rules.swap(index, to);
    state.filter_cursor = FilterCursor::Rule(to);
    apply(state)
}

pub(super) fn edit_rule(state: &mut State) {
    let index = selected_rule(state).or(if state.filters.rules.is_empty() {
        None
    } else {
        Some(0)
    });
    let Some((index, rule)) = index.and_then(|i| Some((i, state.filters.rules.get(i)?))) else {
        new_rule(state);
        return;
    };
    state.popup = Some(Popup::Rule(Box::new(RuleEditor {
        index: Some(index),
        name: Input::new(rule.name.clone()),
        effect: rule.effect,
        when: Input::new(rule.when.clone()),
        sample: Input::new(rule.sample.to_string()),
        field: RuleField::When,
        error: None,
    })));
}

pub(super) fn new_rule(state: &mut State) {
    let name = format!("rule {}", state.filters.rules.len() + 1);
    state.popup = Some(Popup::Rule(Box::new(RuleEditor {
        index: None,
        name: Input::new(name),
        effect: RuleEffect::Exclude,
        when: Input::default(),
        sample: Input::new("100".to_owned()),
        field: RuleField::When,
        error: None,
    })));
}
