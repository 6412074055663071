//! Follow, freeze, and the cursor of the events pane.

use crate::tui::events::state::Edge;
use crate::tui::frame::notice::Subject;
use crate::tui::state::State;

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

/// Without a search the numbers have no gaps, so the next event is known before the next page.
fn shift_cursor(state: &mut State, by: i64) {
    let events = &mut state.events;
    if events.find.is_some() {
        return;
    }
    let Some(cursor) = events.cursor else { return };
    let newest = events.page.rows.first().map_or(cursor, |row| row.sequence) + events.page.above;
    let oldest = (newest + 1).saturating_sub(events.page.total).max(1);
    events.cursor = Some(cursor.saturating_add_signed(-by).clamp(oldest, newest));
}
