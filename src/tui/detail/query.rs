//! The event that the detail pane follows.

use crate::amplitude::time::UnixMs;
use crate::protocol::Record;
use crate::tui::detail::state::Source;
use crate::tui::frame::dock::Host;
use crate::tui::frame::focus::OverlayKind;
use crate::tui::frame::overlays::Overlay;
use crate::tui::inspector::state::Inspector;
use crate::tui::limits::update as limits;
use crate::tui::state::State;

/// Time for which an event stays on display while newer ones arrive, in milliseconds: enough to
/// read its outcome.
pub const HOLD_MS: UnixMs = 3_000;

/// Whether the pane follows the cursor: it is docked, and the inspector doesn't have the focus.
pub fn follows(state: &State) -> bool {
    state.overlays.top_kind() != Some(OverlayKind::Inspector) && state.is_docked()
}

/// The event that is shown in full, by the inspector or by the pane.
pub fn opened_event(state: &State) -> Option<u64> {
    if let Some(inspector) = state.overlays.inspector() {
        return Some(inspector.sequence);
    }
    let (_, followed) = state.detail.shown.as_ref()?;
    follows(state).then_some(followed.sequence)
}

/// The event to show, with its source. None if the list has no event.
pub fn wanted(state: &State) -> Option<(Source, u64)> {
    let (source, sequence) = under_cursor(state)?;
    let age = state.snapshot.at_ms - state.detail.since_ms;
    match &state.detail.shown {
        // A list that moves on its own would change the pane with every frame.
        Some((before, inspector))
            if *before == source
                && (0..HOLD_MS).contains(&age)
                && is_held(state, source, inspector) =>
        {
            Some((source, inspector.sequence))
        }
        _ => Some((source, sequence)),
    }
}

/// Whether an event may stay on display where its place has another one now.
fn is_held(state: &State, source: Source, inspector: &Inspector) -> bool {
    let events = &state.events;
    let is_listed = |record: &Record| {
        let find = events.find.as_ref().filter(|_| !events.in_context);
        events.list.has(record) && find.is_none_or(|find| find.matches(record))
    };
    match source {
        Source::Cursor => false,
        // Another list, or a search that was begun or changed, may have left it out.
        Source::Newest => inspector
            .found
            .as_ref()
            .is_some_and(|found| is_listed(&found.record)),
        Source::Violation(..) => true,
    }
}

/// The event under the cursor of the list, or on its top.
fn under_cursor(state: &State) -> Option<(Source, u64)> {
    match (state.host()?, state.overlays.under_inspector()) {
        (Host::Limit, Some(Overlay::Limit(open))) => {
            let row = Source::Violation(open.code, open.row);
            limits::example(open).map(|sequence| (row, sequence))
        }
        (Host::Events | Host::Person, _) => {
            let events = &state.events;
            let top = events.page.rows.first()?;
            Some(match events.cursor {
                Some(sequence) => (Source::Cursor, sequence),
                None if events.following => (Source::Newest, top.sequence),
                None => (Source::Cursor, top.sequence),
            })
        }
        _ => None,
    }
}
