//! Opening an event, and folding its document.

use crate::tui::action::Effect;
use crate::tui::frame::focus::OverlayKind;
use crate::tui::frame::overlays::Overlay;
use crate::tui::inspector::query::Inspected;
use crate::tui::inspector::state::Inspector;
use crate::tui::state::State;
use crate::tui::widget::json;
use crate::tui::widget::json::FOLDED_OVER;

/// Maximum lines of a history.
pub(crate) const LONGEST_STORY: usize = 500;

pub(crate) fn on_inspected(state: &mut State, found: Option<Box<Inspected>>) {
    let Some(inspector) = state.overlays.inspector_mut() else {
        return;
    };
    match found {
        // For another event: the cursor has moved in the meantime.
        Some(found) if found.record.sequence != inspector.sequence => {}
        Some(found) => {
            if inspector.found.is_none() {
                let documents = [found.record.text(), found.mapped.as_str()];
                inspector.folded = documents.map(|raw| json::long_ones(raw, FOLDED_OVER));
            }
            inspector.found = Some(found);
        }
        None if inspector.found.is_none() => {
            state.overlays.close(OverlayKind::Inspector);
            state.notify_error("the event has left the ring (screen.ring_bytes sets its size)");
        }
        None => {}
    }
}

pub(crate) fn inspect(state: &mut State, sequence: u64) -> Vec<Effect> {
    match state.overlays.inspector_mut() {
        Some(inspector) => *inspector = Inspector::new(sequence, inspector.shows_mapped),
        None => {
            let inspector = Inspector::new(sequence, false);
            state.overlays.push(Overlay::Inspector(inspector));
        }
    }
    vec![Effect::Inspect(sequence)]
}

pub(crate) fn document(inspector: &Inspector) -> Vec<json::JsonLine> {
    let raw = match &inspector.found {
        Some(found) if inspector.shows_mapped => found.mapped.as_str(),
        Some(found) => found.record.text(),
        None => "",
    };
    json::lines(raw, &inspector.folded[usize::from(inspector.shows_mapped)])
}

pub(crate) fn fold(state: &mut State) {
    let Some(inspector) = state.overlays.inspector_mut() else {
        return;
    };
    let lines = document(inspector);
    let Some(path) = json::path_to_fold(&lines, inspector.line) else {
        return;
    };
    let folded = &mut inspector.folded[usize::from(inspector.shows_mapped)];
    if !folded.remove(&path) {
        folded.insert(path.clone());
    }
    let lines = document(inspector);
    inspector.line = lines.iter().position(|l| l.path == path).unwrap_or(0);
}
