//! The areas of the panes for a state: where they are, and which one has the focus.

use ratatui::layout::Rect;

use crate::tui::events::columns::state::{ChosenColumn, columns_for, has_titles};
use crate::tui::frame::dock::Host;
use crate::tui::frame::focus::{OverlayKind, Pane};
use crate::tui::frame::layout::{LayoutInputs, PaneAreas};
use crate::tui::frame::overlays::Overlay;
use crate::tui::person;
use crate::tui::state::State;
use crate::tui::throughput::layout::history_columns;

impl State {
    /// The areas of the panes.
    pub fn areas(&self) -> PaneAreas {
        let inputs = LayoutInputs {
            layout: &self.layout,
            banner: u16::from(self.alert.is_some()),
            watches: self.watches.len() as u16,
            zoomed: self.zoomed.then_some(self.focus),
            host: self.host(),
        };
        PaneAreas::new(Rect::new(0, 0, self.size.0, self.size.1), inputs)
    }

    /// The list that the detail pane is docked to, if the screen has room for both.
    pub(crate) fn host(&self) -> Option<Host> {
        let has_focus = self.overlays.top_kind() == Some(OverlayKind::Inspector);
        match self.overlays.under_inspector().map(Overlay::kind) {
            // The preview of a draft takes the place of the list.
            None => {
                let has_list = self.draft.as_ref().is_none_or(|draft| draft.shows_events);
                (has_list || has_focus).then_some(Host::Events)
            }
            Some(OverlayKind::Person) => Some(Host::Person),
            Some(OverlayKind::Limit) => Some(Host::Limit),
            Some(OverlayKind::DeadLetters) => Some(Host::DeadLetters),
            Some(
                OverlayKind::Properties
                | OverlayKind::Stages
                | OverlayKind::Why
                | OverlayKind::CustomerIo
                | OverlayKind::Audit
                | OverlayKind::Inspector,
            ) => None,
        }
    }

    /// Whether the detail pane is beside or below its list. Otherwise an event opens over the list.
    pub(crate) fn is_docked(&self) -> bool {
        self.areas().detail.area() > 0
    }

    /// Whether a pane has the focus, and not the inspector.
    pub(crate) fn has_focus(&self, pane: Pane) -> bool {
        self.focus == pane && self.overlays.top_kind() != Some(OverlayKind::Inspector)
    }

    /// The area of the list of events.
    pub(crate) fn events_area(&self) -> Rect {
        let areas = self.areas();
        match self.overlays.person() {
            Some(_) => person::layout::areas(areas.overlay)[1],
            None => areas.events,
        }
    }

    /// The columns of the list of events: the chosen ones, or else those for its width.
    pub fn event_columns(&self) -> Vec<ChosenColumn> {
        let width = self.events_area().width.saturating_sub(2);
        columns_for(&self.columns, usize::from(width))
    }

    /// Rows for events in the events pane.
    pub fn event_rows(&self) -> usize {
        let titles = usize::from(has_titles(&self.event_columns()));
        usize::from(self.events_area().height).saturating_sub(2 + titles)
    }

    /// Points of the history in the throughput pane.
    pub fn history_points(&self) -> usize {
        history_columns(self.areas().throughput)
    }
}
