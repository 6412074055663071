//! Opening the properties of an event type, and navigation in them.

use std::sync::Arc;

use crate::tui::action::Effect;
use crate::tui::events::current::at;
use crate::tui::events::find::Find;
use crate::tui::events::list::EventList;
use crate::tui::events::update::follow;
use crate::tui::filters::state::FilterCursor;
use crate::tui::frame::focus::{OverlayKind, Pane};
use crate::tui::frame::overlays::Overlay;
use crate::tui::properties::query::Properties;
use crate::tui::properties::state::OpenedProperties;
use crate::tui::state::State;
use crate::tui::widget::list::stepped;

/// Opens the properties of the type under the cursor, or of the current event.
pub(crate) fn open(state: &mut State) {
    let Some(event_type) = event_type(state) else {
        state.notify("no event yet");
        return;
    };
    for kind in [
        OverlayKind::DeadLetters,
        OverlayKind::Inspector,
        OverlayKind::Limit,
    ] {
        state.overlays.close(kind);
    }
    state.overlays.push(Overlay::Properties(OpenedProperties {
        event_type,
        row: 0,
        found: None,
    }));
}

fn event_type(state: &State) -> Option<Arc<str>> {
    let found = state.overlays.inspector().and_then(|i| i.found.as_ref());
    if let Some(found) = found {
        return Some(found.record.event_type().into());
    }
    if state.focus == Pane::Filters {
        let types = state.types();
        let row = match state.filter_cursor {
            FilterCursor::Type(_) => state.filter_row(&types),
            FilterCursor::Rule(_) => 0,
        };
        return types.get(row).map(|row| row.name.clone());
    }
    let sequence = at(state)?;
    let mut rows = state.events.page.rows.iter();
    let row = rows.find(|row| row.sequence == sequence)?;
    Some(row.event_type.clone())
}

/// Takes over the properties, if they are for the open type. The cursor follows its property.
pub(crate) fn found(state: &mut State, event_type: &str, found: Properties) {
    let Some(open) = state.overlays.properties_mut() else {
        return;
    };
    if *open.event_type != *event_type {
        return;
    }
    let before = open.found.as_ref().and_then(|f| f.all.get(open.row));
    let is_same = |path: &String| found.all.iter().position(|p| p.path == *path);
    let row = before.and_then(|before| is_same(&before.path));
    open.row = row.unwrap_or(open.row);
    open.found = Some(found);
}

pub(crate) fn move_cursor(open: &mut OpenedProperties, by: i64) {
    let count = open.found.as_ref().map_or(0, |found| found.all.len());
    open.row = stepped(open.row, by, count.saturating_sub(1));
}

/// Searches for the events of the type that have the property.
pub(crate) fn find(state: &mut State) -> Vec<Effect> {
    let Some(open) = state.overlays.properties() else {
        return Vec::new();
    };
    let property = open.found.as_ref().and_then(|f| f.all.get(open.row));
    let Some(property) = property else {
        return Vec::new();
    };
    let name = crate::filter::expression_builder::quoted(&open.event_type);
    // A comparison with a missing value is never true, so this also tests for presence.
    let condition = format!("event_type == {name} && {} != null", property.path);
    state.events.find = Find::condition(&condition);
    state.events.list = EventList::All;
    state.overlays.close(OverlayKind::Properties);
    state.overlays.close(OverlayKind::Person);
    state.focus = Pane::Events;
    follow(state);
    Vec::new()
}
