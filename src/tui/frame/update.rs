//! Snapshots, alerts, the focus, and the sizes of panes.

use std::sync::Arc;

use crate::feed::FeedState;
use crate::protocol::Snapshot;
use crate::tui::action::Effect;
use crate::tui::frame::alert::{
    Alert, {self},
};
use crate::tui::frame::focus::{PANES, Pane};
use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::throughput::update as throughput;

pub(crate) fn on_snapshot(state: &mut State, snapshot: Arc<Snapshot>) {
    let first = state.snapshot.mode.is_none();
    state.moment_ms = state.moment_ms.filter(|at| *at <= snapshot.at_ms);
    if first {
        state.filters = (*snapshot.filters).clone();
    }
    let feed_was_down = matches!(state.snapshot.feed.state, FeedState::Down { .. });
    if feed_was_down && snapshot.feed.state == FeedState::Live {
        state.inform("the feed is live again");
    }
    if let Some(notice) = snapshot.notices.last()
        && state.snapshot.notices.last() != Some(notice)
    {
        state.inform(notice.text.clone());
    }
    throughput::annotate(state, &snapshot);
    state.snapshot = snapshot;
    let now = state.snapshot.at_ms;
    if state.message.as_ref().is_some_and(|m| m.until_ms < now) {
        state.message = None;
    }
}

/// What needs the operator is told by a banner, and by the terminal's title.
pub(crate) fn look_for_alerts(state: &mut State) -> Vec<Effect> {
    let kind = alert::Kind::of(state.alert_inputs());
    if kind == state.alert.map(|alert| alert.kind) {
        return Vec::new();
    }
    let snapshot = &state.snapshot;
    state.alert = kind.map(|kind| Alert {
        kind,
        since_ms: kind.since(snapshot).unwrap_or(snapshot.at_ms),
    });
    let workspace = &state.labels.workspace;
    let title = match kind {
        Some(kind) => format!("{}: sluicegate {workspace}", kind.title()),
        None => format!("sluicegate {workspace}"),
    };
    vec![Effect::Title(title)]
}

/// To the next pane that is shown.
pub(crate) fn move_focus(state: &mut State, by: usize) {
    let at = PANES.iter().position(|p| *p == state.focus).unwrap_or(0);
    let others = (1..=PANES.len()).map(|n| PANES[(at + n * by) % PANES.len()]);
    let mut shown = others.filter(|pane| !state.layout.hidden.contains(pane));
    state.focus = shown.next().unwrap_or(Pane::Events);
}

pub(crate) fn hide(state: &mut State) -> Vec<Effect> {
    let pane = state.focus;
    if pane == Pane::Events {
        let says = "the events stay: go to the pane that is to be hidden";
        state.inform(says);
        return Vec::new();
    }
    state.layout.hidden.insert(pane);
    state.zoomed = false;
    move_focus(state, 1);
    let says = format!("hidden: {} brings it back", state.key(Command::UsualLayout));
    state.inform(says);
    vec![Effect::Remember]
}

/// Gives the pane so many more columns and rows.
pub(crate) fn resize(state: &mut State, by: (i16, i16)) -> Vec<Effect> {
    if state.zoomed {
        return Vec::new();
    }
    let rooms = state.rooms();
    rooms.resize(state.focus, by, &mut state.layout);
    vec![Effect::Remember]
}
