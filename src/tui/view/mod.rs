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
mod properties;
mod throughput;
mod violations;
mod watches;

pub use filters::row_at as filter_at;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout as Layouting, Position, Rect};
use ratatui::{Frame, Terminal};
pub use violations::row_at as limit_at;

use crate::tui::memory::Layout;
use crate::tui::privacy;
use crate::tui::state::{Over, Pane, State};
use crate::tui::theme::Theme;
use crate::tui::widget::{
    too_small, {self},
};

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

/// What the operator changed of where the panes are, and what asks for more room.
#[derive(Debug, Clone, Copy)]
struct Wishes<'l> {
    layout: &'l Layout,
    /// Rows for the banner.
    banner: u16,
    /// Conditions that are watched, a row each.
    watches: u16,
}

impl Rooms {
    /// The rooms of a screen of this size.
    fn of(area: Rect, wishes: Wishes<'_>) -> Self {
        let layout = wishes.layout;
        let shows = |pane: Pane| !layout.hidden.contains(&pane);
        let is_high = area.height >= 30;
        // A low screen keeps its rows for events.
        let usual = if is_high { 7 } else { 6 };
        let watches = wishes.watches.min(if is_high { 3 } else { 1 });
        let most = (area.height / 2).max(6);
        let upper_rows = match (shows(Pane::Throughput), shows(Pane::Delivery)) {
            (false, false) => 0,
            _ => layout.upper_rows.unwrap_or(usual + watches).clamp(5, most),
        };
        let [header, banner, upper, lower, footer] = Layouting::vertical([
            Constraint::Length(1),
            Constraint::Length(wishes.banner),
            Constraint::Length(upper_rows),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(area);
        let share = layout.throughput_percent.unwrap_or(44).clamp(20, 80);
        let left = (area.width * share).div_ceil(100);
        let [throughput, delivery] =
            side_by_side(upper, left, shows(Pane::Throughput), shows(Pane::Delivery));
        let usual = (lower.height / 4).clamp(5, 14);
        let violations_rows = if shows(Pane::Violations) {
            let most = lower.height.saturating_sub(6).max(4);
            layout.violations_rows.unwrap_or(usual).clamp(4, most)
        } else {
            0
        };
        let [middle, violations] =
            Layouting::vertical([Constraint::Min(0), Constraint::Length(violations_rows)])
                .areas(lower);
        let left = match layout.filters_percent {
            Some(share) => (area.width * share.clamp(15, 70) / 100).max(24),
            None => (area.width * 28 / 100).clamp(28, 52),
        };
        let [filters, events] = side_by_side(middle, left, shows(Pane::Filters), true);
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

    /// Whose room this place is in.
    pub fn pane_at(&self, at: Position) -> Option<(Pane, Rect)> {
        let rooms = [
            (Pane::Throughput, self.throughput),
            (Pane::Delivery, self.delivery),
            (Pane::Filters, self.filters),
            (Pane::Events, self.events),
            (Pane::Violations, self.violations),
        ];
        rooms.into_iter().find(|(_, room)| room.contains(at))
    }

    /// The border between panes at this place, if it can be moved.
    pub fn border_at(&self, at: Position) -> Option<Border> {
        let beside = |left: Rect, right: Rect| {
            let is_both = left.area() > 0 && right.area() > 0;
            let is_between = at.x + 1 == left.right() || at.x == right.x;
            // The upper border of a pane names it and moves with what is above it.
            let is_inside = at.y > left.y && at.y + 1 < left.bottom();
            is_both && is_between && is_inside
        };
        if beside(self.throughput, self.delivery) {
            return Some(Border::Upper);
        }
        if beside(self.filters, self.events) {
            return Some(Border::Lower);
        }
        let upper = self.throughput.bottom().max(self.delivery.bottom());
        if upper > 0 && (at.y + 1 == upper || at.y == upper) {
            return Some(Border::UnderUpper);
        }
        let violations = self.violations;
        let is_over = violations.area() > 0 && (at.y == violations.y || at.y + 1 == violations.y);
        is_over.then_some(Border::OverViolations)
    }

    /// Moves a border to this place.
    pub fn drag(&self, border: Border, to: Position, layout: &mut Layout) {
        let width = self.header.width.max(1);
        let percent = |x: u16| x.saturating_mul(100) / width;
        match border {
            Border::Upper => layout.throughput_percent = Some(percent(to.x)),
            Border::Lower => layout.filters_percent = Some(percent(to.x)),
            Border::UnderUpper => {
                let top = self.header.height + self.banner.height;
                layout.upper_rows = Some(to.y.saturating_sub(top) + 1);
            }
            Border::OverViolations => {
                layout.violations_rows = Some(self.footer.y.saturating_sub(to.y));
            }
        }
    }

    /// Widens or heightens a pane by so many columns and rows; its neighbours give them.
    pub fn resize(&self, pane: Pane, (columns, rows): (i16, i16), layout: &mut Layout) {
        let width = i32::from(self.header.width.max(1));
        let share = |room: Rect, columns: i16| {
            let wanted = i32::from(room.width) + i32::from(columns);
            Some((wanted.max(1) * 100 / width) as u16)
        };
        let higher = |room: Rect, rows: i16| Some(room.height.saturating_add_signed(rows));
        if columns != 0 {
            match pane {
                Pane::Throughput => {
                    layout.throughput_percent = share(self.throughput, columns);
                }
                Pane::Delivery => layout.throughput_percent = share(self.throughput, -columns),
                Pane::Filters => layout.filters_percent = share(self.filters, columns),
                Pane::Events => layout.filters_percent = share(self.filters, -columns),
                Pane::Violations => {}
            }
        }
        if rows != 0 {
            match pane {
                Pane::Throughput => layout.upper_rows = higher(self.throughput, rows),
                Pane::Delivery => layout.upper_rows = higher(self.delivery, rows),
                Pane::Violations => layout.violations_rows = higher(self.violations, rows),
                Pane::Filters | Pane::Events => {
                    layout.violations_rows = higher(self.violations, -rows);
                }
            }
        }
    }

    /// The same with one pane in the room of all.
    fn zoomed(area: Rect, banner: u16, pane: Pane) -> Self {
        let [header, banner, middle, footer] = Layouting::vertical([
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
        let rooms = Self::now(state);
        let room = match &state.person {
            Some(_) => person::rooms(rooms.inspector)[1],
            None => rooms.events,
        };
        usize::from(room.height.saturating_sub(2))
    }

    /// The rooms of a screen as it is now.
    pub fn now(state: &State) -> Self {
        Self::for_state(Rect::new(0, 0, state.size.0, state.size.1), state)
    }

    fn for_state(area: Rect, state: &State) -> Self {
        let banner = u16::from(state.alert.is_some());
        if state.zoomed {
            return Self::zoomed(area, banner, state.focus);
        }
        let wishes = Wishes {
            layout: &state.layout,
            banner,
            watches: state.watches.len() as u16,
        };
        Self::of(area, wishes)
    }
}

/// A border that can be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Between throughput and delivery.
    Upper,
    /// Under these two.
    UnderUpper,
    /// Between filters and events.
    Lower,
    /// Over the violations.
    OverViolations,
}

/// Two panes beside each other, or the one that is shown.
fn side_by_side(area: Rect, left: u16, shows_left: bool, shows_right: bool) -> [Rect; 2] {
    let left = match (shows_left, shows_right) {
        (true, true) => left.min(area.width),
        (true, false) => area.width,
        (false, _) => 0,
    };
    Layouting::horizontal([Constraint::Length(left), Constraint::Min(0)]).areas(area)
}

/// How many points the course of the throughput has.
pub fn course_points(state: &State) -> usize {
    throughput::points(Rooms::now(state).throughput)
}

/// What is seen of a state, without a terminal: two states that look alike are alike to the
/// operator.
pub fn picture(state: &State) -> Buffer {
    let (columns, rows) = state.size;
    let theme = Theme::of(state.colours, false);
    // Memory can be drawn on without an error.
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
    let Ok(_) = terminal.draw(|frame| draw(frame, state, &theme));
    terminal.backend().buffer().clone()
}

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(frame, LEAST, theme);
    } else {
        panes(frame, area, state, theme);
    }
    if state.privacy.is_some() {
        privacy::cast_net(frame.buffer_mut(), &privacy::ids_on_screen(state));
    }
    if theme.ascii {
        widget::to_ascii(frame.buffer_mut());
    }
}

fn panes(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let rooms = Rooms::for_state(area, state);
    header::render(frame, rooms.header, state, theme);
    if let Some(alert) = state.alert {
        banner::render(frame, rooms.banner, alert, state, theme);
    }
    let inspecting = state.over() != Over::Nothing;
    let drawn = |room: Rect| room.area() > 0;
    if drawn(rooms.throughput) && !(inspecting && state.zoomed) {
        throughput::render(frame, rooms.throughput, state, theme);
    }
    if drawn(rooms.delivery) && !(inspecting && state.zoomed) {
        delivery::render(frame, rooms.delivery, state, theme);
    }
    if let Some(open) = &state.letters {
        letters::render(frame, rooms.inspector, open, state, theme);
    } else if let Some(inspector) = &state.inspector {
        inspector::render(frame, rooms.inspector, inspector, state.privacy, theme);
    } else if let Some(open) = &state.properties {
        properties::render(frame, rooms.inspector, open, state.privacy, theme);
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
