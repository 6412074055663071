//! The cursor keys, Enter and Esc in the panes and overlays.

use crate::tui::action::Effect;
use crate::tui::audit::update as audit;
use crate::tui::customerio::update as customerio;
use crate::tui::dead_letters::state::DeadLetters;
use crate::tui::dead_letters::update as dead_letters;
use crate::tui::detail::overview::last_scroll;
use crate::tui::detail::update as detail;
use crate::tui::events::current::at;
use crate::tui::events::list::EventList;
use crate::tui::events::seek::{Direction, Seek};
use crate::tui::events::update::{follow, move_in_events};
use crate::tui::filters::state::FilterCursor;
use crate::tui::frame::focus::{OverlayKind, Pane};
use crate::tui::frame::overlays::Overlay;
use crate::tui::input::keymap::Command;
use crate::tui::inspector::state::{Inspector, View};
use crate::tui::inspector::update::{document, inspect};
use crate::tui::limits::update as limits;
use crate::tui::person::update as person;
use crate::tui::properties::update as properties;
use crate::tui::stages::update as stages;
use crate::tui::state::State;
use crate::tui::why::update as why;
use crate::tui::widget::list::stepped;

pub(crate) fn move_cursor(state: &mut State, by: i64) -> Vec<Effect> {
    let groups = state.snapshot.dead_letters.len();
    match state.overlays.top_mut() {
        Some(Overlay::DeadLetters(open)) => dead_letters::move_cursor(open, by, groups),
        Some(Overlay::Inspector(_)) => move_in_inspector(state, by),
        Some(Overlay::Limit(open)) => limits::move_cursor(open, by),
        Some(Overlay::Properties(open)) => properties::move_cursor(open, by),
        Some(Overlay::Stages(_)) => stages::move_cursor(state, by),
        Some(Overlay::Why(open)) => why::move_cursor(open, by),
        Some(Overlay::CustomerIo(open)) => customerio::move_cursor(open, by),
        Some(Overlay::Audit(_)) => audit::move_cursor(state, by),
        Some(Overlay::Person(_)) | None => move_in_pane(state, by),
    }
    Vec::new()
}

/// Moves the cursor in the document. The overview of the detail pane has none: it is scrolled.
fn move_in_inspector(state: &mut State, by: i64) {
    let scrolls = state.is_docked();
    let last = state.overlays.inspector().map(|open| match open.view {
        View::Story if scrolls => last_scroll(state, open),
        _ => document(open).len().saturating_sub(1),
    });
    if let (Some(open), Some(last)) = (state.overlays.inspector_mut(), last) {
        match open.view {
            View::Story if scrolls => open.story = stepped(open.story.min(last), by, last),
            _ => open.line = stepped(open.line, by, last),
        }
    }
}

pub(crate) fn move_in_pane(state: &mut State, by: i64) {
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
            let last = state.shown_limits().len().saturating_sub(1);
            state.violation = stepped(state.violation, by, last);
        }
        Pane::Events => move_in_events(state, by),
        Pane::Throughput | Pane::Delivery => {}
    }
}

pub(crate) fn open(state: &mut State) -> Vec<Effect> {
    let sequence = match state.overlays.top() {
        Some(Overlay::DeadLetters(_)) => return dead_letters::open(state),
        Some(Overlay::Stages(_)) => return stages::show(state),
        Some(Overlay::Audit(_)) => return audit::choose(state),
        _ if state.focus == Pane::Delivery => {
            let dead_letters = Overlay::DeadLetters(DeadLetters::default());
            state.overlays.push(dead_letters);
            return Vec::new();
        }
        None if state.focus == Pane::Violations => {
            limits::open(state);
            return Vec::new();
        }
        Some(Overlay::Limit(opened)) => limits::example(opened),
        Some(Overlay::CustomerIo(opened)) if opened.selected().is_none() => {
            state.notify("only events of this forwarder can be opened");
            return Vec::new();
        }
        _ => at(state),
    };
    let Some(sequence) = sequence else {
        state.notify("no event yet");
        return Vec::new();
    };
    if matches!(
        state.overlays.top_kind(),
        Some(OverlayKind::Why | OverlayKind::CustomerIo)
    ) {
        // An inspector below would get the event and stay hidden.
        state.overlays.close(OverlayKind::Inspector);
    }
    let is_open = |inspector: &Inspector| inspector.sequence == sequence;
    if state.overlays.inspector().is_some_and(is_open) {
        return Vec::new();
    }
    detail::open(state, sequence)
}

pub(crate) fn back(state: &mut State) {
    match state.overlays.top_kind() {
        Some(OverlayKind::DeadLetters) => {
            dead_letters::back(state);
            return;
        }
        Some(OverlayKind::Audit) => {
            audit::back(state);
            return;
        }
        Some(OverlayKind::Person) => {
            person::close(state);
            return;
        }
        Some(OverlayKind::Inspector) if state.zoomed && state.detail.zoomed => {
            detail::zoom(state);
            return;
        }
        Some(OverlayKind::Inspector) => {
            detail::release(state);
            return;
        }
        Some(_) => {
            state.overlays.pop();
            return;
        }
        None => {}
    }
    if state.focus == Pane::Throughput && state.span.take().is_some() {
        return;
    }
    if state.range.take().is_some() {
        state.span = None;
        state.moment_ms = None;
        return;
    }
    if state.moment_ms.take().is_some() || state.kept_range.take().is_some() {
        return;
    }
    if state.focus == Pane::Events && !state.events.selected.is_empty() {
        state.events.selected.clear();
        return;
    }
    if state.zoomed {
        state.zoomed = false;
    } else if state.events.find.take().is_some() || !state.events.following {
        follow(state);
    } else if state.events.list != EventList::All {
        state.events.list = EventList::All;
        follow(state);
    } else if state.draft.is_some() {
        let [filters, discard] =
            [Command::FocusFilters, Command::DiscardDraft].map(|does| state.key(does));
        let message = format!("the draft stays: {filters} goes to it, {discard} there discards it");
        state.notify(message);
    }
}

/// Moves the cursor by `by` events, or to the next match if other events are shown too. In the
/// inspector, inspects that event.
pub(crate) fn neighbour(state: &mut State, by: i64) -> Vec<Effect> {
    if state.events.find.is_some() && state.events.in_context {
        let direction = if by < 0 {
            Direction::Newer
        } else {
            Direction::Older
        };
        let inspected = state.overlays.inspector().map(|open| open.sequence);
        let from = inspected.or(state.events.cursor);
        return vec![Effect::Seek(Seek::Next(direction), from)];
    }
    let Some(inspector) = state.overlays.inspector() else {
        return move_cursor(state, by);
    };
    let at = inspector.sequence;
    state.events.cursor = Some(at);
    if state.events.find.is_some() {
        // The next match may be beyond the visible rows.
        let direction = if by < 0 {
            Direction::Newer
        } else {
            Direction::Older
        };
        return vec![Effect::Seek(Seek::Next(direction), Some(at))];
    }
    move_in_events(state, by);
    match state.events.cursor.filter(|next| *next != at) {
        Some(next) => inspect(state, next),
        None => Vec::new(),
    }
}
