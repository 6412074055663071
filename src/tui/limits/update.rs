//! One limit, and where it is broken.

use crate::limits::Code;
use crate::tui::action::Effect;
use crate::tui::events::export::Events;
use crate::tui::frame::overlays::Overlay;
use crate::tui::limits::query::Breakdown;
use crate::tui::limits::state::OpenedLimit;
use crate::tui::state::State;
use crate::tui::widget::list::stepped;

/// The limit under the cursor of the violations.
pub(crate) fn open(state: &mut State) {
    let row = state.shown().limits.get(state.violation);
    let Some(row) = row else {
        state.inform("no limit is broken");
        return;
    };
    let limit = OpenedLimit {
        code: row.code,
        row: 0,
        breakdown: None,
    };
    state.overlays.push(Overlay::Limit(limit));
}

/// Of another limit than is looked at now, it is of no use.
pub(crate) fn broken_down(state: &mut State, code: Code, breakdown: Breakdown) {
    if let Some(opened) = state.overlays.limit_mut()
        && opened.code == code
    {
        // The cursor stays on its place when others overtake it.
        let before = opened
            .breakdown
            .as_ref()
            .and_then(|b| b.places.get(opened.row));
        let is_same = |place: &crate::tui::limits::query::Place| {
            before.is_some_and(|b| b.event_type == place.event_type && b.path == place.path)
        };
        let row = breakdown.places.iter().position(is_same);
        opened.row = row.unwrap_or(opened.row);
        opened.breakdown = Some(breakdown);
    }
}

pub(crate) fn move_cursor(opened: &mut OpenedLimit, by: i64) {
    let count = opened.breakdown.as_ref().map_or(0, |b| b.places.len());
    opened.row = stepped(opened.row, by, count.saturating_sub(1));
}

/// The last event that breaks it in the place under the cursor.
pub(crate) fn example(opened: &OpenedLimit) -> Option<u64> {
    let places = &opened.breakdown.as_ref()?.places;
    let row = opened.row.min(places.len().checked_sub(1)?);
    Some(places[row].last_sequence)
}

pub(crate) fn export(state: &State) -> Vec<Effect> {
    let opened = state.overlays.limit();
    opened.map_or_else(Vec::new, |opened| {
        vec![Effect::ExportEvents(Events::Breaking(opened.code))]
    })
}
