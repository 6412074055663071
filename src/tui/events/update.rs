//! Follow, freeze, the lists, and the cursor of the events pane.

use crate::tui::events::list::EventList;
use crate::tui::events::state::Edge;
use crate::tui::frame::focus::Pane;
use crate::tui::frame::notice::Subject;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;

/// Shows another list, from its newest event on, in place of what lies over the events pane.
pub(crate) fn show_list(state: &mut State, list: EventList) {
    while state.overlays.pop().is_some() {}
    if let Some(draft) = &mut state.draft {
        draft.shows_events = true;
    }
    if state.zoomed && state.focus != Pane::Events {
        state.zoomed = false;
    }
    state.focus = Pane::Events;
    state.events.list = list;
    state.events.find = None;
    to_newest(state);
}

/// Shows the next of the quick lists.
pub(crate) fn next_list(state: &mut State) {
    state.events.list = state.events.list.next();
    let name = state.events.list.name();
    let key = state.key(Command::NextList);
    let message = format!("list: {name} ({key} for the next)");
    state.notify(message);
    to_newest(state);
}

/// Shows only the matches of the search, or the whole list with the matches marked in it.
pub(crate) fn toggle_context(state: &mut State) {
    if state.events.find.is_none() {
        let key = state.key(Command::Find);
        let message = format!("no search is active: {key} starts one");
        state.notify_error(message);
        return;
    }
    let events = &mut state.events;
    events.in_context = !events.in_context;
    let message = if events.in_context {
        let [next, back] = [Command::NextMatch, Command::OnlyMatches].map(|does| state.key(does));
        format!(
            "all events around the matches: {next} goes to the next match, {back} hides the others"
        )
    } else {
        "only the matches of the search".to_owned()
    };
    state.notify(message);
}

/// Moves to the newest event: it stays on top, unless the display is frozen.
fn to_newest(state: &mut State) {
    let events = &mut state.events;
    events.cursor = None;
    events.following = state.frozen.is_none();
    events.top = u64::MAX;
}

pub(crate) fn freeze(state: &mut State) {
    if state.frozen.take().is_some() {
        follow(state);
    } else {
        state.frozen = Some(state.snapshot.clone());
        state.frozen_watch_counts = state.watch_counts.clone();
        state.events.frozen_end = Some(state.events.page.end);
        let message = "panes are frozen; the top line, alerts and dead letters stay live";
        state.notify_about(Subject::Done, message);
        stop_following(state);
    }
}

pub(crate) fn follow(state: &mut State) {
    state.frozen = None;
    state.events.frozen_end = None;
    state.events.following = true;
    state.events.cursor = None;
}

/// Stops following. The visible rows stay.
pub(crate) fn stop_following(state: &mut State) {
    let events = &mut state.events;
    if events.following {
        events.following = false;
        events.top = events.page.rows.first().map_or(0, |row| row.sequence);
    }
}

pub(crate) fn move_in_events(state: &mut State, by: i64) {
    if by < -1_000_000 && state.frozen.is_none() {
        follow(state);
        return;
    }
    stop_following(state);
    let events = &mut state.events;
    let Some(last) = events.page.rows.len().checked_sub(1) else {
        return;
    };
    let wanted = match events.cursor_row() {
        Some(row) => row as i64 + by.clamp(-1_000_000_000, 1_000_000_000),
        // The first step places the cursor. A page or the end is counted from the top.
        None if by.abs() <= 1 => 0,
        None => by.clamp(-1_000_000_000, 1_000_000_000),
    };
    if wanted < 0 || wanted > last as i64 {
        let over = if wanted < 0 {
            wanted
        } else {
            wanted - last as i64
        };
        events.shift = over;
        events.edge = Some(if wanted < 0 { Edge::Top } else { Edge::Bottom });
        // The cursor moves to the edge, and then with the page.
        events.cursor = None;
        let edge = if wanted < 0 { 0 } else { last };
        state.events.cursor = state.events.page.rows.get(edge).map(|row| row.sequence);
        shift_cursor(state, over);
    } else {
        events.cursor = events
            .page
            .rows
            .get(wanted as usize)
            .map(|row| row.sequence);
    }
}

/// If all events are shown the numbers have no gaps, so the next event is known before the next page.
fn shift_cursor(state: &mut State, by: i64) {
    let events = &mut state.events;
    if events.page.shown != events.page.total {
        return;
    }
    let Some(cursor) = events.cursor else { return };
    let newest = events.page.rows.first().map_or(cursor, |row| row.sequence) + events.page.above;
    let oldest = (newest + 1).saturating_sub(events.page.total).max(1);
    events.cursor = Some(cursor.saturating_add_signed(-by).clamp(oldest, newest));
}
