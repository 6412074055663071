//! Following the cursor, and giving the focus to the detail pane and back.

use crate::tui::action::Effect;
use crate::tui::detail::state::{Followed, Source};
use crate::tui::frame::focus::OverlayKind;
use crate::tui::frame::overlays::Overlay;
use crate::tui::inspector::state::Inspector;
use crate::tui::inspector::update::inspect;
use crate::tui::state::State;

/// Takes over the event to show.
pub(crate) fn follow(state: &mut State, followed: Option<Followed>) {
    let detail = &mut state.detail;
    let Some(followed) = followed else {
        detail.shown = None;
        return;
    };
    let Followed {
        source,
        sequence,
        found,
    } = followed;
    match &mut detail.shown {
        Some((before, inspector)) if inspector.sequence == sequence => {
            *before = source;
            // An event that has left the ring stays on display.
            if let Some(found) = found {
                inspector.take(found);
            }
        }
        shown => {
            let mut inspector = Inspector::new(sequence, detail.view);
            if let Some(found) = found {
                inspector.take(found);
            }
            *shown = Some((source, inspector));
            detail.since_ms = state.snapshot.at_ms;
        }
    }
}

/// Gives the focus to the pane, with the event that it shows. Without one it does nothing.
pub(crate) fn focus(state: &mut State) -> Vec<Effect> {
    match state.detail.shown.take() {
        Some((_, inspector)) => focus_on(state, inspector),
        None => Vec::new(),
    }
}

/// Opens an event in the inspector. If the detail pane shows it already, it gets the focus as it is.
pub(crate) fn open(state: &mut State, sequence: u64) -> Vec<Effect> {
    match state.detail.shown.take() {
        Some((_, inspector)) if state.is_docked() && inspector.sequence == sequence => {
            focus_on(state, inspector)
        }
        _ => inspect(state, sequence),
    }
}

fn focus_on(state: &mut State, inspector: Inspector) -> Vec<Effect> {
    let sequence = inspector.sequence;
    state.overlays.push(Overlay::Inspector(inspector));
    vec![Effect::Inspect(sequence)]
}

/// Closes the inspector on top. In the detail pane its event stays on display, without the focus.
pub(crate) fn release(state: &mut State) {
    let was_docked = state.is_docked();
    if let Some(Overlay::Inspector(inspector)) = state.overlays.close(OverlayKind::Inspector)
        && was_docked
    {
        state.detail.view = inspector.view;
        state.detail.since_ms = state.snapshot.at_ms;
        let source = match state.events.cursor {
            None if state.events.following => Source::Newest,
            _ => Source::Cursor,
        };
        state.detail.shown = Some((source, inspector));
    }
}

/// Zooms the focused pane, or the detail pane if that has the focus; or leaves the zoom.
pub(crate) fn zoom(state: &mut State) {
    let is_inspector = state.overlays.top_kind() == Some(OverlayKind::Inspector);
    state.detail.zoomed = !state.zoomed && is_inspector && state.is_docked();
    state.zoomed = !state.zoomed;
}
