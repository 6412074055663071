//! The cursor, Enter and Esc, in whatever is open.

use crate::tui::action::Effect;
use crate::tui::dead_letters::state::DeadLetters;
use crate::tui::dead_letters::update as dead_letters;
use crate::tui::events::current::at;
use crate::tui::events::update::{follow, move_in_events};
use crate::tui::filters::state::FilterCursor;
use crate::tui::filters::update as filters;
use crate::tui::frame::focus::{Overlay, Pane};
use crate::tui::inspector::state::Inspector;
use crate::tui::inspector::update::{document, inspect};
use crate::tui::limits::update as limits;
use crate::tui::person::update as person;
use crate::tui::properties::update as properties;
use crate::tui::state::State;
use crate::tui::widget::list::stepped;

pub(crate) fn move_cursor(state: &mut State, by: i64) -> Vec<Effect> {
    if state.letters.is_some() {
        dead_letters::move_cursor(state, by);
        return Vec::new();
    }
    if let Some(inspector) = &mut state.inspector {
        let last = document(inspector).len().saturating_sub(1);
        inspector.line = stepped(inspector.line, by, last);
        return Vec::new();
    }
    match (state.over(), &mut state.limit, &mut state.properties) {
        (Overlay::Limit, Some(opened), _) => {
            limits::move_cursor(opened, by);
            return Vec::new();
        }
        (Overlay::Properties, _, Some(open)) => {
            properties::move_cursor(open, by);
            return Vec::new();
        }
        _ => {}
    }
    match state.focus {
        Pane::Filters => {
            let types = state.types();
            let count = types.len() + state.edited().rules.len();
            let row = stepped(state.filter_row(&types), by, count.saturating_sub(1));
            state.filter_cursor = match types.get(row) {
                Some(found) => FilterCursor::Type(Some(found.name.clone())),
                None => FilterCursor::Rule(row - types.len()),
            };
        }
        Pane::Violations => {
            let last = state.shown().limits.len().saturating_sub(1);
            state.violation = stepped(state.violation, by, last);
        }
        Pane::Events => move_in_events(state, by),
        Pane::Throughput | Pane::Delivery => {}
    }
    Vec::new()
}

pub(crate) fn open(state: &mut State) -> Vec<Effect> {
    if state.letters.is_some() {
        return dead_letters::open(state);
    }
    if state.focus == Pane::Delivery {
        state.letters = Some(DeadLetters::default());
        return Vec::new();
    }
    if state.over() == Overlay::Nothing && state.focus == Pane::Violations {
        limits::open(state);
        if state.limit.is_none() {
            state.inform("no limit is broken");
        }
        return Vec::new();
    }
    let sequence = match &state.limit {
        Some(opened) if state.over() == Overlay::Limit => limits::example(opened),
        _ => at(state),
    };
    let Some(sequence) = sequence else {
        state.inform("there is no event yet");
        return Vec::new();
    };
    let is_open = |inspector: &Inspector| inspector.sequence == sequence;
    if state.inspector.as_ref().is_some_and(is_open) {
        return Vec::new();
    }
    inspect(state, sequence)
}

pub(crate) fn back(state: &mut State) {
    if state.letters.is_some() {
        dead_letters::back(state);
        return;
    }
    if state.inspector.take().is_some() || state.properties.take().is_some() {
        return;
    }
    if state.person.is_some() {
        person::close(state);
        return;
    }
    if state.limit.take().is_some() {
        return;
    }
    if state.moment_ms.take().is_some() {
        return;
    }
    if state.zoomed {
        state.zoomed = false;
    } else if state.events.find.take().is_some() || !state.events.following {
        follow(state);
    } else {
        filters::discard_draft(state);
    }
}

/// Goes to the event one row below or above, and inspects that one if one is inspected.
pub(crate) fn neighbour(state: &mut State, by: i64) -> Vec<Effect> {
    let Some(inspector) = &state.inspector else {
        return move_cursor(state, by);
    };
    let at = inspector.sequence;
    state.events.cursor = Some(at);
    let inspecting = state.inspector.take();
    move_in_events(state, by);
    state.inspector = inspecting;
    match state.events.cursor.filter(|next| *next != at) {
        Some(next) => inspect(state, next),
        None => Vec::new(),
    }
}
