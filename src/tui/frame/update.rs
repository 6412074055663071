//! Updates from snapshots and alerts, and changes of the focus and the layout.

use std::sync::Arc;

use crate::feed::FeedState;
use crate::protocol::{Author, Snapshot};
use crate::tui::action::Effect;
use crate::tui::delivery::retry_now;
use crate::tui::filters::apply as filters;
use crate::tui::frame::alert::{Alert, AlertKind};
use crate::tui::frame::dock::Host;
use crate::tui::frame::focus::{OverlayKind, PANES, Pane};
use crate::tui::frame::notice::Subject;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::throughput::state::Incident;
use crate::tui::throughput::update as throughput;

pub(crate) fn on_snapshot(state: &mut State, snapshot: Arc<Snapshot>) {
    let first = state.snapshot.mode.is_none();
    state.moment_ms = state.moment_ms.filter(|at| *at <= snapshot.at_ms);
    if first {
        state.filters = (*snapshot.filters).clone();
        state.filters_version = snapshot.filters_version;
    }
    let feed_was_down = matches!(state.snapshot.feed.state, FeedState::Down { .. });
    if feed_was_down && snapshot.feed.state == FeedState::Live {
        state.notify_about(Subject::Feed, "the feed is live again");
    }
    if let Some(notice) = snapshot.notices.last()
        && state.snapshot.notices.last() != Some(notice)
    {
        state.report(Ok(notice.text.clone()));
    }
    if !first {
        tell_change_of_others(state, &snapshot);
    }
    throughput::annotate(state, &snapshot);
    let is_other_run = !first && snapshot.started_ms != state.snapshot.started_ms;
    state.snapshot = snapshot;
    if is_other_run {
        filters::take_other_run(state);
    } else {
        filters::take_newer(state);
    }
    retry_now::on_snapshot(state);
    let now = state.snapshot.at_ms;
    if state.notice.as_ref().is_some_and(|m| m.until_ms < now) {
        state.notice = None;
    }
}

/// Tells of a change that somebody else has made.
fn tell_change_of_others(state: &mut State, new: &Snapshot) {
    let Some(change) = &new.last_change else {
        return;
    };
    let is_attached = new.link.is_some();
    let is_own = (!is_attached && change.author.from == Author::SCREEN) || state.applying > 0;
    // A change made or confirmed here may come in a state after its answer.
    let is_known = change.is_of_filters() && change.filters_version <= state.filters_version;
    if is_own || is_known || state.snapshot.last_change.as_ref() == Some(change) {
        return;
    }
    let Author { name, from } = &change.author;
    state.report(Ok(format!("{name} ({from}): {}", change.what)));
}

/// Updates the alert, which the banner and the title of the terminal show.
pub(crate) fn look_for_alerts(state: &mut State) -> Vec<Effect> {
    let kind = AlertKind::of(state.alert_inputs());
    if kind == state.alert.map(|alert| alert.kind) {
        return Vec::new();
    }
    let snapshot = &state.snapshot;
    state.alert = kind.map(|kind| Alert {
        kind,
        since_ms: kind.since(snapshot).unwrap_or(snapshot.at_ms),
    });
    if let Some(kind) = kind.filter(|kind| !kind.is_outage()) {
        throughput::add(state, state.snapshot.at_ms, Incident::Alert(kind));
    }
    let workspace = &state.labels.workspace;
    let title = match kind {
        Some(kind) => format!("{}: sluicegate {workspace}", kind.title()),
        None => format!("sluicegate {workspace}"),
    };
    vec![Effect::Title(title)]
}

/// Moves the focus to the next visible pane.
pub(crate) fn move_focus(state: &mut State, by: usize) {
    let at = PANES.iter().position(|p| *p == state.focus).unwrap_or(0);
    let others = (1..=PANES.len()).map(|n| PANES[(at + n * by) % PANES.len()]);
    let mut shown = others.filter(|pane| !state.layout.hidden.contains(pane));
    state.focus = shown.next().unwrap_or(Pane::Events);
}

pub(crate) fn hide(state: &mut State) -> Vec<Effect> {
    let reset = state.key(Command::ResetLayout).to_owned();
    if focused_detail(state).is_some() {
        state.layout.detail.hidden = true;
        state.overlays.close(OverlayKind::Inspector);
        state.notify(format!("detail pane hidden: {reset} resets the layout"));
        return vec![Effect::Remember];
    }
    let pane = state.focus;
    if pane == Pane::Events {
        let message = "the events can't be hidden: move to another pane first";
        state.notify(message);
        return Vec::new();
    }
    state.layout.hidden.insert(pane);
    state.zoomed = false;
    move_focus(state, 1);
    state.notify(format!("pane hidden: {reset} resets the layout"));
    vec![Effect::Remember]
}

/// Enlarges the focused pane by columns and rows (shrinks it, if negative).
pub(crate) fn resize(state: &mut State, by: (i16, i16)) -> Vec<Effect> {
    if state.zoomed {
        return Vec::new();
    }
    let areas = state.areas();
    match focused_detail(state) {
        Some(host) => areas.resize_detail(host, by, &mut state.layout),
        None => areas.resize(state.focus, by, &mut state.layout),
    }
    vec![Effect::Remember]
}

/// The list beside the detail pane, if the pane has the focus.
fn focused_detail(state: &State) -> Option<Host> {
    let has_focus = state.overlays.top_kind() == Some(OverlayKind::Inspector);
    state.host().filter(|_| has_focus && state.is_docked())
}
