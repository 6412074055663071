//! Drawing the screen: a file a pane.
//!
//! ```text
//! ┌ header ──────────────────────────────────┐  workspace, feed, gate, spool, clock
//! │ banner                                   │  what needs the operator, where something does
//! ├ throughput ────────┬ delivery ───────────┤  rates and their course │ what became of it
//! ├ filters ───┬ events ─────────────────────┤  types and rules │ one event a row
//! │            │                             │
//! ├ violations ┴─────────────────────────────┤  limits that are broken
//! └ footer ──────────────────────────────────┘  keys, or the last message
//! ```
//! The inspector, and the dead letters, take the room of the three lower panes; popups lie
//! over everything.

mod banner;
mod delivery;
mod document;
mod editor;
mod events;
mod filters;
mod footer;
mod header;
mod inspector;
mod letters;
mod limit;
mod person;
mod popup;
mod presets;
mod preview;
mod throughput;
mod violations;

use ratatui::Frame;
use ratatui::buffer::Cell;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::state::{Over, Pane, State};
use super::theme::Theme;
use super::widget::text;

/// Below this the panes can't be told apart.
const LEAST: (u16, u16) = (80, 24);

/// Where each pane is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rooms {
    header: Rect,
    banner: Rect,
    throughput: Rect,
    delivery: Rect,
    filters: Rect,
    events: Rect,
    violations: Rect,
    inspector: Rect,
    footer: Rect,
}

impl Rooms {
    /// The rooms of a screen of this size, with so many rows for the banner.
    pub fn of(area: Rect, banner: u16) -> Self {
        // A low screen keeps its rows for events.
        let top = if area.height >= 30 { 7 } else { 6 };
        let [header, banner, upper, lower, footer] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(banner),
            Constraint::Length(top),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(area);
        let [throughput, delivery] =
            Layout::horizontal([Constraint::Percentage(44), Constraint::Min(0)]).areas(upper);
        let violations_rows = (lower.height / 4).clamp(5, 14);
        let [middle, violations] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(violations_rows)])
                .areas(lower);
        let filters_columns = (area.width * 28 / 100).clamp(28, 52);
        let [filters, events] =
            Layout::horizontal([Constraint::Length(filters_columns), Constraint::Min(0)])
                .areas(middle);
        Self {
            header,
            banner,
            throughput,
            delivery,
            filters,
            events,
            violations,
            inspector: lower,
            footer,
        }
    }

    /// The same with one pane in the room of all.
    fn zoomed(area: Rect, banner: u16, pane: Pane) -> Self {
        let [header, banner, middle, footer] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(banner),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(area);
        let mut rooms = Self {
            header,
            banner,
            footer,
            inspector: middle,
            ..Self::default()
        };
        match pane {
            Pane::Throughput => rooms.throughput = middle,
            Pane::Delivery => rooms.delivery = middle,
            Pane::Filters => rooms.filters = middle,
            Pane::Events => rooms.events = middle,
            Pane::Violations => rooms.violations = middle,
        }
        rooms
    }

    /// The rows that the events pane has for events.
    pub fn event_rows(state: &State) -> usize {
        let area = Rect::new(0, 0, state.size.0, state.size.1);
        let rooms = Self::for_state(area, state);
        let room = match &state.person {
            Some(_) => person::rooms(rooms.inspector)[1],
            None => rooms.events,
        };
        usize::from(room.height.saturating_sub(2))
    }

    fn for_state(area: Rect, state: &State) -> Self {
        let banner = u16::from(state.alert.is_some());
        if state.zoomed {
            Self::zoomed(area, banner, state.focus)
        } else {
            Self::of(area, banner)
        }
    }
}

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let says = format!("too small: {}×{} needed", LEAST.0, LEAST.1);
        let says = text::cut(&says, usize::from(area.width));
        let line = Line::styled(says, theme.warn);
        frame.render_widget(Paragraph::new(line), area);
    } else {
        panes(frame, area, state, theme);
    }
    if theme.ascii {
        frame.buffer_mut().content.iter_mut().for_each(plain);
    }
}

/// Puts an ASCII character in the place of a punctuation mark of ours that is none.
fn plain(cell: &mut Cell) {
    let symbol = match cell.symbol() {
        "…" => "~",
        "–" | "—" | "−" => "-",
        "“" | "”" => "\"",
        "·" => ".",
        "×" => "x",
        _ => return,
    };
    cell.set_symbol(symbol);
}

fn panes(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let rooms = Rooms::for_state(area, state);
    header::render(frame, rooms.header, state, theme);
    if let Some(alert) = state.alert {
        banner::render(frame, rooms.banner, alert, state, theme);
    }
    let inspecting = state.over() != Over::Nothing;
    let drawn = |room: Rect| room.height > 0;
    if drawn(rooms.throughput) && !(inspecting && state.zoomed) {
        throughput::render(frame, rooms.throughput, state, theme);
    }
    if drawn(rooms.delivery) && !(inspecting && state.zoomed) {
        delivery::render(frame, rooms.delivery, state, theme);
    }
    if let Some(open) = &state.letters {
        letters::render(frame, rooms.inspector, open, state, theme);
    } else if let Some(inspector) = &state.inspector {
        inspector::render(frame, rooms.inspector, inspector, theme);
    } else if let Some(open) = &state.person {
        person::render(frame, rooms.inspector, open, state, theme);
    } else if let Some(open) = &state.limit {
        limit::render(frame, rooms.inspector, open, theme);
    } else {
        if drawn(rooms.filters) {
            filters::render(frame, rooms.filters, state, theme);
        }
        if drawn(rooms.events) {
            match &state.draft {
                Some(draft) if !draft.shows_events => {
                    preview::render(frame, rooms.events, state, theme);
                }
                _ => events::render(frame, rooms.events, state, theme),
            }
        }
        if drawn(rooms.violations) {
            violations::render(frame, rooms.violations, state, theme);
        }
    }
    footer::render(frame, rooms.footer, state, theme);
    popup::render(frame, area, state, theme);
}
