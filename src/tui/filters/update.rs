//! Changes of the filters go into a draft with a preview. The draft is applied as a whole or discarded.

use crate::filter::Switch;
use crate::filter::change::{changes, revert};
use crate::filter::{Filters, RuleEffect, expression_builder};
use crate::tui::action::Effect;
use crate::tui::filters::editor::state::RuleEditor;
use crate::tui::filters::state::{Draft, FilterCursor};
use crate::tui::frame::focus::Pane;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::Command;
use crate::tui::inspector::state::View;
use crate::tui::state::State;
use crate::tui::widget::list::stepped;

/// Changes the draft. Opens one if necessary, and closes a draft without changes.
pub(crate) fn edit(state: &mut State, change: impl FnOnce(&mut Filters)) {
    let opened = state.draft.take();
    let mut draft = opened.unwrap_or_else(|| Draft::of(state.versioned_filters()));
    let before = draft.filters.clone();
    change(&mut draft.filters);
    if draft.filters != before {
        draft.steps.push(before);
        draft.undone.clear();
    }
    state.closed_draft = None;
    if changes(&draft.base.filters, &draft.filters).is_empty() {
        state.preview = None;
    } else {
        state.draft = Some(draft);
    }
}

pub(crate) fn export_history(state: &mut State) -> Vec<Effect> {
    if state.history.log().len() == 0 {
        state.notify("no changes to export");
        return Vec::new();
    }
    vec![Effect::ExportHistory(state.history.to_ndjson())]
}

/// Switches between the preview and the events as the draft would decide.
pub(crate) fn toggle_draft_events(state: &mut State) {
    if let Some(draft) = &mut state.draft {
        draft.shows_events = !draft.shows_events;
    }
}

pub(crate) fn toggle(state: &mut State) {
    match &state.filter_cursor {
        FilterCursor::Rule(index) => toggle_rule(state, *index),
        FilterCursor::Type(_) => {
            let types = state.types();
            let Some(row) = types.get(state.filter_row(&types)) else {
                return;
            };
            let on = !state.edited().selects(&row.name);
            state.filter_cursor = FilterCursor::Type(Some(row.name.clone()));
            edit(state, |draft| {
                draft.types.insert(row.name.to_string(), on.into());
            });
        }
    }
}

pub(crate) fn select_types(state: &mut State, does: Command) {
    let types = state.types();
    let selected = types
        .get(state.filter_row(&types))
        .map(|row| row.name.clone());
    if does == Command::Only
        && (selected.is_none() || matches!(state.filter_cursor, FilterCursor::Rule(_)))
    {
        return;
    }
    edit(state, |draft| {
        for row in &types {
            let on = match does {
                Command::All => true,
                Command::None => false,
                _ => Some(&row.name) == selected.as_ref(),
            };
            draft.types.insert(row.name.to_string(), on.into());
        }
    });
}

/// Switches whether new types pass. Known types keep their setting.
pub(crate) fn toggle_unseen(state: &mut State) {
    let types = state.types();
    edit(state, |draft| {
        for row in &types {
            let now = draft.selects(&row.name).into();
            draft.types.entry(row.name.to_string()).or_insert(now);
        }
        draft.unseen_types = (draft.unseen_types == Switch::Off).into();
    });
}

pub(crate) fn toggle_rule(state: &mut State, index: usize) {
    if index >= state.edited().rules.len() {
        let key = state.key(Command::NewRule);
        let message = format!("no rule {}; {key} creates one", index + 1);
        state.notify_error(message);
        return;
    }
    // The focus moves to the pane where Enter applies the draft.
    state.focus = Pane::Filters;
    state.zoomed = false;
    edit(state, |draft| {
        draft.rules[index].on = !draft.rules[index].on;
    });
}

pub(crate) fn selected_rule(state: &State) -> Option<usize> {
    match state.filter_cursor {
        FilterCursor::Rule(index) if index < state.edited().rules.len() => Some(index),
        _ => None,
    }
}

pub(crate) fn move_rule(state: &mut State, by: i64) {
    let Some(index) = selected_rule(state) else {
        return;
    };
    let to = stepped(index, by, state.edited().rules.len() - 1);
    if to != index {
        state.filter_cursor = FilterCursor::Rule(to);
        edit(state, |draft| draft.rules.swap(index, to));
    }
}

pub(crate) fn delete_rule(state: &mut State) {
    let Some(index) = selected_rule(state) else {
        return;
    };
    let last = state.edited().rules.len().checked_sub(2);
    state.filter_cursor = last.map_or(FilterCursor::Type(None), |last| {
        FilterCursor::Rule(index.min(last))
    });
    edit(state, |draft| _ = draft.rules.remove(index));
}

pub(crate) fn edit_rule(state: &mut State) -> Vec<Effect> {
    let index = selected_rule(state).unwrap_or(0);
    match state.edited().rules.get(index) {
        Some(rule) => {
            let editor = RuleEditor::of(index, rule);
            open_editor(state, editor)
        }
        None => new_rule(state),
    }
}

pub(crate) fn new_rule(state: &mut State) -> Vec<Effect> {
    write_rule(state, RuleEffect::Exclude, String::new())
}

/// Opens the rule editor with a condition on the selected field of the inspected event.
pub(crate) fn rule_on_this(state: &mut State, effect: RuleEffect) -> Vec<Effect> {
    let Some(inspector) = state.overlays.inspector() else {
        return Vec::new();
    };
    // The overview has no cursor.
    let is_overview = inspector.view == View::Story && state.is_docked();
    if is_overview || inspector.shows_mapped() {
        let key = state.key(Command::Tab);
        let message = format!("conditions apply to the raw event: {key} shows it");
        state.notify_error(message);
        return Vec::new();
    }
    let lines = crate::tui::inspector::update::document(inspector);
    let (Some(line), Some(found)) = (lines.get(inspector.line), &inspector.found) else {
        return Vec::new();
    };
    match expression_builder::equals(found.record.text(), line.at) {
        Ok(when) => write_rule(state, effect, when),
        Err(why) => {
            state.notify_error(why.to_string());
            Vec::new()
        }
    }
}

/// Opens the rule editor with a new rule.
pub(crate) fn write_rule(state: &mut State, effect: RuleEffect, when: String) -> Vec<Effect> {
    let rules = &state.edited().rules;
    let free = |number: &usize| !rules.iter().any(|r| r.name == format!("rule {number}"));
    let last = 2 * rules.len() + 1;
    let number = (rules.len() + 1..=last).find(free).unwrap_or(last);
    let editor = RuleEditor::new(format!("rule {number}"), effect, when);
    open_editor(state, editor)
}

fn open_editor(state: &mut State, mut editor: RuleEditor) -> Vec<Effect> {
    state.notice = None;
    editor.base = state.versioned_filters();
    for rule in &state.filters.rules {
        if !state.conditions.contains(&rule.when) {
            state.conditions.push(rule.when.clone());
        }
    }
    state.popup = Some(Popup::Rule(Box::new(editor)));
    vec![Effect::Catalog]
}

pub(crate) fn save(state: &mut State) -> Vec<Effect> {
    if state.labels.save_to.is_none() {
        let message = "filters not saved: there is no configuration file; --config names one";
        state.notify_error(message);
        return Vec::new();
    }
    if state.draft.is_some() {
        let [apply, save] = [Command::Apply, Command::Save].map(|does| state.key(does));
        let message =
            format!("the draft is not applied yet: {apply} applies it, then {save} saves");
        state.notify_error(message);
        return Vec::new();
    }
    // A temporary change is not saved.
    let filters = match &state.temporary_change {
        Some(armed) => revert(&state.filters, &armed.before, &armed.after),
        None => state.filters.clone(),
    };
    vec![Effect::Save(filters)]
}
