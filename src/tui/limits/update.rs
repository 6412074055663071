//! Opening a limit, and navigation in its violations.

use crate::limits::Code;
use crate::tui::action::Effect;
use crate::tui::events::export::Events;
use crate::tui::frame::overlays::Overlay;
use crate::tui::limits::query::Breakdown;
use crate::tui::limits::state::OpenedLimit;
use crate::tui::state::State;
use crate::tui::widget::list::stepped;

/// Opens the limit under the cursor of the violations pane.
pub(crate) fn open(state: &mut State) {
    let row = state.shown_limits().get(state.violation);
    let Some(row) = row else {
        state.notify("no limit violated");
        return;
    };
    let limit = OpenedLimit {
        code: row.code,
        row: 0,
        breakdown: None,
    };
    state.overlays.push(Overlay::Limit(limit));
}

/// Takes over the violations, if they are for the open limit.
pub(crate) fn broken_down(state: &mut State, code: Code, breakdown: Breakdown) {
    let is_frozen = state.frozen.is_some();
    if let Some(opened) = state.overlays.limit_mut()
        && opened.code == code
        && !(is_frozen && opened.breakdown.is_some())
    {
        // The cursor follows its group when the order changes.
        let before = opened
            .breakdown
            .as_ref()
            .and_then(|b| b.groups.get(opened.row));
        let is_same = |group: &crate::tui::limits::query::ViolationGroup| {
            before.is_some_and(|b| b.event_type == group.event_type && b.path == group.path)
        };
        let row = breakdown.groups.iter().position(is_same);
        opened.row = row.unwrap_or(opened.row);
        opened.breakdown = Some(breakdown);
    }
}

pub(crate) fn move_cursor(opened: &mut OpenedLimit, by: i64) {
    let count = opened.breakdown.as_ref().map_or(0, |b| b.groups.len());
    opened.row = stepped(opened.row, by, count.saturating_sub(1));
}

/// The last event of the group under the cursor.
pub(crate) fn example(opened: &OpenedLimit) -> Option<u64> {
    let groups = &opened.breakdown.as_ref()?.groups;
    let row = opened.row.min(groups.len().checked_sub(1)?);
    Some(groups[row].last_sequence)
}

pub(crate) fn export(state: &State) -> Vec<Effect> {
    let opened = state.overlays.limit();
    opened.map_or_else(Vec::new, |opened| {
        vec![Effect::ExportEvents(Events::Breaking(opened.code))]
    })
}
