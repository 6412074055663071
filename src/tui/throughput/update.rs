//! The cursor on the course of the throughput, and what is told beside it.

use crate::delivery::BreakerState;
use crate::feed::FeedState;
use crate::protocol::Snapshot;
use crate::tui::action::Effect;
use crate::tui::events::seek::Seek;
use crate::tui::state::State;
use crate::tui::throughput::state::{Annotation, Happened};
use crate::tui::widget::list::stepped;

/// So many annotations are kept.
const MOST: usize = 1_000;

/// What has happened to the stream between the snapshot that is shown and this one.
pub(crate) fn annotate(state: &mut State, now: &Snapshot) {
    let before = &state.snapshot;
    let Some(mode) = before.mode else {
        return;
    };
    let mut found = Vec::new();
    if let Some(now) = now.mode.filter(|now| *now != mode) {
        found.push(Happened::Gate(now));
    }
    if now.filters != before.filters {
        found.push(Happened::Filters);
    }
    let is_feed_down = |s: &Snapshot| matches!(s.feed.state, FeedState::Down { .. });
    match (is_feed_down(before), is_feed_down(now)) {
        (false, true) => found.push(Happened::FeedDown),
        (true, false) => found.push(Happened::FeedLive),
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
        (false, true) => found.push(Happened::DeliveryDown),
        (true, false) => found.push(Happened::DeliveryUp),
        _ => {}
    }
    let at_ms = now.at_ms;
    let told = found.into_iter().map(|what| Annotation { at_ms, what });
    state.annotations.extend(told);
    let over = state.annotations.len().saturating_sub(MOST);
    state.annotations.drain(..over);
}

/// The first step puts the cursor on the newest point.
pub(crate) fn move_cursor(state: &mut State, by: i64) {
    let points = state.history_points();
    let Some(newest) = points.checked_sub(1) else {
        return;
    };
    let series = &state.shown().series;
    let at = |ms| series.point_at(state.window, points, ms);
    let point = match state.moment_ms {
        // What has left the window on the left is taken for its first point.
        Some(moment) => stepped(at(moment).unwrap_or(0), by, newest),
        None => newest,
    };
    let time = series.time_of(state.window, points, point);
    state.moment_ms = time.map(|(from, _)| from);
}

/// Goes to the events of the time under the cursor.
pub(crate) fn events_then(state: &mut State) -> Vec<Effect> {
    let points = state.history_points();
    let series = &state.shown().series;
    let moment = state.moment_ms;
    let point = moment.and_then(|at| series.point_at(state.window, points, at));
    let time = point.and_then(|point| series.time_of(state.window, points, point));
    let Some((_, to)) = time else {
        let says = "choose a time first, with the arrow keys";
        state.inform(says);
        return Vec::new();
    };
    vec![Effect::Seek(Seek::Time(to - 1), None)]
}
