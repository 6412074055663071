//! The time cursor of the throughput, and the incidents.

use crate::amplitude::time::UnixMs;
use crate::delivery::BreakerState;
use crate::feed::FeedState;
use crate::protocol::Snapshot;
use crate::tui::action::Effect;
use crate::tui::events::seek::Seek;
use crate::tui::range::update::follow_cursor;
use crate::tui::state::State;
use crate::tui::throughput::state::{Annotation, Incident};
use crate::tui::widget::list::stepped;

/// Maximum incidents kept.
const MOST: usize = 1_000;

/// Adds the incidents between the last snapshot and this one.
pub(crate) fn annotate(state: &mut State, now: &Snapshot) {
    let before = &state.snapshot;
    let Some(mode) = before.mode else {
        return;
    };
    let mut found = Vec::new();
    if let Some(now) = now.mode.filter(|now| *now != mode) {
        found.push(Incident::Gate(now));
    }
    if now.filters != before.filters {
        found.push(Incident::Filters);
    }
    let is_feed_down = |s: &Snapshot| matches!(s.feed.state, FeedState::Down { .. });
    match (is_feed_down(before), is_feed_down(now)) {
        (false, true) => found.push(Incident::FeedDown),
        (true, false) => found.push(Incident::FeedLive),
        _ => {}
    }
    let is_down = |s: &Snapshot| {
        let breaker = &s.delivery.breaker;
        matches!(
            breaker,
            BreakerState::Open { .. } | BreakerState::Refused { .. }
        )
    };
    match (is_down(before), is_down(now)) {
        (false, true) => found.push(Incident::DeliveryDown),
        (true, false) => found.push(Incident::DeliveryUp),
        _ => {}
    }
    for incident in found {
        add(state, now.at_ms, incident);
    }
}

/// Adds an incident at its place in time.
pub(crate) fn add(state: &mut State, at_ms: UnixMs, incident: Incident) {
    let annotations = &mut state.annotations;
    let place = annotations.partition_point(|other| other.at_ms <= at_ms);
    annotations.insert(place, Annotation { at_ms, incident });
    let over = annotations.len().saturating_sub(MOST);
    annotations.drain(..over);
}

/// Removes the mark of a bookmark.
pub(crate) fn remove_bookmark(state: &mut State, at_ms: UnixMs) {
    let bookmark = Annotation {
        at_ms,
        incident: Incident::Bookmark,
    };
    if let Some(place) = state.annotations.iter().position(|a| *a == bookmark) {
        state.annotations.remove(place);
    }
}

/// Moves the time cursor. The first step places it on the newest point.
pub(crate) fn move_cursor(state: &mut State, by: i64) {
    let points = state.history_points();
    let Some(newest) = points.checked_sub(1) else {
        return;
    };
    let series = &state.shown().series;
    let at = |ms| series.point_at(state.extent(), points, ms);
    let time_of = |point| series.time_of(state.extent(), points, point);
    let point = match state.moment_ms {
        Some(moment) => {
            // A time before the window counts as its first point.
            let from = at(moment).unwrap_or(0);
            let mut point = stepped(from, by, newest);
            // Several points can show the same time.
            while time_of(point) == time_of(from) && stepped(point, by, newest) != point {
                point = stepped(point, by, newest);
            }
            point
        }
        None => newest,
    };
    state.moment_ms = time_of(point).map(|(from, _)| from);
    follow_cursor(state);
}

/// Places the time cursor on a point.
pub(crate) fn place_cursor(state: &mut State, point: usize) {
    let points = state.history_points();
    let time = state.shown().series.time_of(state.extent(), points, point);
    if let Some((from, _)) = time {
        state.moment_ms = Some(from);
        follow_cursor(state);
    }
}

/// Whether the time cursor is on the time of a point.
pub(crate) fn is_at(state: &State, point: usize) -> bool {
    let points = state.history_points();
    let time = state.shown().series.time_of(state.extent(), points, point);
    let is_in = |moment| time.is_some_and(|(from, to)| (from..to).contains(&moment));
    state.moment_ms.is_some_and(is_in)
}

/// Goes to the events of the time under the cursor.
pub(crate) fn events_then(state: &mut State) -> Vec<Effect> {
    let points = state.history_points();
    let series = &state.shown().series;
    let moment = state.moment_ms;
    let point = moment.and_then(|at| series.point_at(state.extent(), points, at));
    let time = point.and_then(|point| series.time_of(state.extent(), points, point));
    let Some((_, to)) = time else {
        let message = "choose a time first, with ← and →";
        state.notify(message);
        return Vec::new();
    };
    vec![Effect::Seek(Seek::Time(to - 1), None)]
}
