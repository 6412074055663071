//! Changing the filters. Every change goes into a draft beside what is in force, whose effect
//! is shown; it is applied whole, or discarded, and can be taken back.

use crate::filter::change::{changes, in_a_line, taken_back};
use crate::filter::gate::Switch;
use crate::filter::{Effect as RuleEffect, Filters, phrase};
use crate::protocol::Command as PipelineCommand;
use crate::text::duration;
use crate::tui::action::Effect;
use crate::tui::filters::editor::state::RuleEditor;
use crate::tui::filters::history::log::ChangeCause;
use crate::tui::filters::state::{Armed, Draft, FilterCursor};
use crate::tui::frame::focus::Pane;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::widget::list::stepped;

/// Changes the draft, which is opened by that; a draft that changes nothing is closed.
pub(crate) fn edit(state: &mut State, change: impl FnOnce(&mut Filters)) {
    let mut draft = state.draft.take().unwrap_or_else(|| Draft {
        filters: state.filters.clone(),
        shows_events: false,
    });
    change(&mut draft.filters);
    if changes(&state.filters, &draft.filters).is_empty() {
        state.preview = None;
    } else {
        state.draft = Some(draft);
    }
}

/// Puts the draft in force.
pub(crate) fn apply(state: &mut State) -> Vec<Effect> {
    let Some(draft) = state.draft.take() else {
        state.inform("there is no draft to apply");
        return Vec::new();
    };
    state.preview = None;
    let before = std::mem::replace(&mut state.filters, draft.filters);
    let says = in_a_line(&changes(&before, &state.filters));
    let now = state.snapshot.at_ms;
    state
        .history
        .change(before, &state.filters, ChangeCause::Applied, now);
    let undo = state.key(Command::Undo);
    state.inform(format!("in force: {says}; {undo} takes it back"));
    in_force(state)
}

/// Puts the draft in force for so many milliseconds; then it is taken back.
pub(crate) fn apply_for(state: &mut State, ms: i64) -> Vec<Effect> {
    // What is armed already is taken back with it.
    let before = match state.armed.take() {
        Some(armed) => taken_back(&state.filters, &armed.before, &armed.after),
        None => state.filters.clone(),
    };
    let effects = apply(state);
    let says = in_a_line(&changes(&before, &state.filters));
    state.inform(format!("for {}: {says}", duration(ms)));
    state.armed = Some(Armed {
        before,
        after: state.filters.clone(),
        until_ms: state.snapshot.at_ms.saturating_add(ms),
    });
    effects
}

/// Takes back what was in force for a time, once that is over; what was changed since stays.
pub(crate) fn disarm(state: &mut State) -> Vec<Effect> {
    let now = state.snapshot.at_ms;
    let Some(armed) = state.armed.take_if(|armed| armed.until_ms <= now) else {
        return Vec::new();
    };
    let back = taken_back(&state.filters, &armed.before, &armed.after);
    let says = changes(&state.filters, &back);
    if says.is_empty() {
        return Vec::new();
    }
    let before = std::mem::replace(&mut state.filters, back);
    let cause = ChangeCause::TimeOver;
    state.history.change(before, &state.filters, cause, now);
    state.inform(format!("the time is over: {}", in_a_line(&says)));
    in_force(state)
}

pub(crate) fn discard_draft(state: &mut State) {
    if state.draft.take().is_some() {
        state.preview = None;
        state.inform("the draft is discarded");
    }
}

/// Takes the last change back, or makes it again. A draft is in the way of neither: it is what
/// is taken back first.
pub(crate) fn undo(state: &mut State) -> Vec<Effect> {
    if state.draft.is_some() {
        discard_draft(state);
        return Vec::new();
    }
    let now = state.snapshot.at_ms;
    match state.history.undo(&state.filters, now) {
        Some(before) => step(state, before, "taken back"),
        None => {
            state.inform("there is no change to take back");
            Vec::new()
        }
    }
}

pub(crate) fn redo(state: &mut State) -> Vec<Effect> {
    let now = state.snapshot.at_ms;
    match state.history.redo(&state.filters, now) {
        Some(again) => step(state, again, "again"),
        None => {
            let says = "there is no change to make again";
            state.inform(says);
            Vec::new()
        }
    }
}

fn step(state: &mut State, filters: Filters, how: &str) -> Vec<Effect> {
    state.draft = None;
    state.preview = None;
    let says = in_a_line(&changes(&state.filters, &filters));
    state.filters = filters;
    state.inform(format!("{how}: {says}"));
    in_force(state)
}

fn in_force(state: &State) -> Vec<Effect> {
    vec![Effect::Pipeline(PipelineCommand::SetFilters(
        state.filters.clone(),
    ))]
}

/// The configuration file was read again.
pub(crate) fn read(state: &mut State, filters: Filters) {
    if changes(&state.filters, &filters).is_empty() {
        return;
    }
    let before = std::mem::replace(&mut state.filters, filters);
    let now = state.snapshot.at_ms;
    state
        .history
        .change(before, &state.filters, ChangeCause::Read, now);
}

pub(crate) fn export_history(state: &mut State) -> Vec<Effect> {
    if state.history.log().len() == 0 {
        state.inform("no change yet");
        return Vec::new();
    }
    vec![Effect::ExportHistory(state.history.to_ndjson())]
}

/// The events through the draft, or the preview again.
pub(crate) fn look_through(state: &mut State) {
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

/// Whether types that are new pass. Those that came by are not new: they stay as they are.
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
        let says = format!("there is no rule {}; {key} writes a new one", index + 1);
        state.refuse(says);
        return;
    }
    // Where the draft is seen, and Enter applies it.
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

/// A rule on the field that the cursor is on, of the event that is inspected: to be applied as
/// it is, or to be written on.
pub(crate) fn rule_on_this(state: &mut State, effect: RuleEffect) -> Vec<Effect> {
    let Some(inspector) = state.overlays.inspector() else {
        return Vec::new();
    };
    if inspector.shows_mapped {
        let key = state.key(Command::Tab);
        let says = format!("conditions are on the event as it came: {key} goes to it");
        state.refuse(says);
        return Vec::new();
    }
    let lines = crate::tui::inspector::update::document(inspector);
    let (Some(line), Some(found)) = (lines.get(inspector.line), &inspector.found) else {
        return Vec::new();
    };
    match phrase::equals(found.record.text(), line.at) {
        Ok(when) => write_rule(state, effect, when),
        Err(why) => {
            state.refuse(why.to_string());
            Vec::new()
        }
    }
}

fn write_rule(state: &mut State, effect: RuleEffect, when: String) -> Vec<Effect> {
    let rules = &state.edited().rules;
    let free = |number: &usize| !rules.iter().any(|r| r.name == format!("rule {number}"));
    let last = 2 * rules.len() + 1;
    let number = (rules.len() + 1..=last).find(free).unwrap_or(last);
    let editor = RuleEditor::new(format!("rule {number}"), effect, when);
    open_editor(state, editor)
}

fn open_editor(state: &mut State, editor: RuleEditor) -> Vec<Effect> {
    state.message = None;
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
        state.refuse("the demo has no configuration file: nothing is saved");
        return Vec::new();
    }
    if state.draft.is_some() {
        let [apply, save] = [Command::Apply, Command::Save].map(|does| state.key(does));
        let says = format!("the draft is not in force: {apply} applies it, then {save} saves");
        state.refuse(says);
        return Vec::new();
    }
    // What is in force for a time only is not what is meant to stay.
    let filters = match &state.armed {
        Some(armed) => taken_back(&state.filters, &armed.before, &armed.after),
        None => state.filters.clone(),
    };
    vec![Effect::Save(filters)]
}
