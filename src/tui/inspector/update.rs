//! Opening an event, and folding its document.

use crate::tui::action::Effect;
use crate::tui::frame::focus::OverlayKind;
use crate::tui::frame::overlays::Overlay;
use crate::tui::inspector::query::Inspected;
use crate::tui::inspector::state::{Inspector, View};
use crate::tui::state::State;
use crate::tui::widget::json;

/// Maximum lines of a history.
pub(crate) const LONGEST_STORY: usize = 500;

pub(crate) fn on_inspected(state: &mut State, found: Option<Box<Inspected>>) {
    let Some(inspector) = state.overlays.inspector_mut() else {
        return;
    };
    match found {
        // For another event: the cursor has moved in the meantime.
        Some(found) if found.record.sequence != inspector.sequence => {}
        Some(found) => inspector.take(found),
        None if inspector.found.is_none() => {
            state.overlays.close(OverlayKind::Inspector);
            state.notify_error("the event has left the ring (screen.ring_bytes sets its size)");
        }
        None => {}
    }
}

pub(crate) fn inspect(state: &mut State, sequence: u64) -> Vec<Effect> {
    match state.overlays.inspector_mut() {
        Some(inspector) => *inspector = Inspector::new(sequence, inspector.view),
        None => {
            let view = if state.is_docked() {
                state.detail.view
            } else {
                View::Event
            };
            let inspector = Inspector::new(sequence, view);
            state.overlays.push(Overlay::Inspector(inspector));
        }
    }
    vec![Effect::Inspect(sequence)]
}

pub(crate) fn document(inspector: &Inspector) -> Vec<json::JsonLine> {
    let raw = match &inspector.found {
        Some(found) if inspector.shows_mapped() => found.mapped.as_str(),
        Some(found) => found.record.text(),
        None => "",
    };
    json::lines(
        raw,
        &inspector.folded[usize::from(inspector.shows_mapped())],
    )
}

pub(crate) fn fold(state: &mut State) {
    let Some(inspector) = state.overlays.inspector_mut() else {
        return;
    };
    let lines = document(inspector);
    let Some(path) = json::path_to_fold(&lines, inspector.line) else {
        return;
    };
    let folded = &mut inspector.folded[usize::from(inspector.shows_mapped())];
    if !folded.remove(&path) {
        folded.insert(path.clone());
    }
    let lines = document(inspector);
    inspector.line = lines.iter().position(|l| l.path == path).unwrap_or(0);
}

/// Goes to the next view. Over the list the history is always visible.
pub(crate) fn next_view(state: &mut State) {
    let is_docked = state.is_docked();
    if let Some(inspector) = state.overlays.inspector_mut() {
        inspector.view = match inspector.view {
            View::Story if is_docked => View::Event,
            View::Story | View::Event => View::Request,
            View::Request if is_docked => View::Story,
            View::Request => View::Event,
        };
        inspector.line = 0;
    }
}
