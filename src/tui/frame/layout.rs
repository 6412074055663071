//! The layout: the areas of the panes, and the operator's changes to them.

use std::collections::BTreeSet;

use ratatui::layout::{Constraint, Layout as Layouting, Position, Rect};
use serde::{Deserialize, Serialize};

use crate::tui::frame::dock::{self, DetailLayout, Host};
use crate::tui::frame::focus::Pane;

/// Minimum size for the panes, in columns and rows.
pub(crate) const LEAST: (u16, u16) = (80, 24);

/// Rows of the miniature, which takes the place of the panes on a smaller screen.
const MINIATURE_ROWS: u16 = 11;

/// Minimum columns and rows for events below the miniature.
const LEAST_EVENTS: (u16, u16) = (40, 5);

/// Whether a screen is too small for the panes.
pub(crate) fn is_small(area: Rect) -> bool {
    area.width < LEAST.0 || area.height < LEAST.1
}

/// The operator's changes to the default layout.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// The hidden panes.
    pub hidden: BTreeSet<Pane>,
    /// Width of the throughput pane beside the delivery pane, in percent.
    pub throughput_percent: Option<u16>,
    /// Rows of the throughput and the delivery pane.
    pub upper_rows: Option<u16>,
    /// Width of the filters pane beside the events pane, in percent.
    pub filters_percent: Option<u16>,
    /// Rows of the violations pane.
    pub violations_rows: Option<u16>,
    /// The detail pane.
    pub detail: DetailLayout,
}

/// Minimum rows of a high screen.
const HIGH_ROWS: u16 = 56;

/// Minimum columns of a screen with a strip of the pipeline's stages.
const STRIP_COLUMNS: u16 = 120;

/// Rows for the strip: 0 or 1.
fn strip_rows(area: Rect) -> u16 {
    u16::from(area.width >= STRIP_COLUMNS)
}

/// The area of each pane. A hidden pane has an empty area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaneAreas {
    pub(crate) header: Rect,
    pub(crate) banner: Rect,
    pub(crate) strip: Rect,
    pub(crate) throughput: Rect,
    pub(crate) delivery: Rect,
    pub(crate) filters: Rect,
    pub(crate) events: Rect,
    pub(crate) violations: Rect,
    /// The detail pane. Empty if it is not docked.
    pub(crate) detail: Rect,
    /// An overlay with a list, beside the detail pane.
    pub(crate) overlay: Rect,
    /// An overlay without a list.
    pub(crate) inspector: Rect,
    pub(crate) footer: Rect,
}

/// Everything that the areas of the panes depend on.
#[derive(Debug, Clone, Copy)]
pub struct LayoutInputs<'l> {
    /// The operator's changes.
    pub layout: &'l Layout,
    /// Rows for the banner: 0 or 1.
    pub banner: u16,
    /// Number of watched conditions. Each has a row in the throughput pane.
    pub watches: u16,
    /// The zoomed pane.
    pub zoomed: Option<Pane>,
    /// The list that the detail pane is docked to, if the screen has room for both.
    pub host: Option<Host>,
}

impl PaneAreas {
    fn of(area: Rect, inputs: LayoutInputs<'_>) -> Self {
        let layout = inputs.layout;
        let shows = |pane: Pane| !layout.hidden.contains(&pane);
        let is_high = area.height >= 30;
        // A low screen leaves its rows to the events, a high one draws charts of several rows.
        let default = match area.height {
            0..30 => 6,
            30..44 => 7,
            44..HIGH_ROWS => 12,
            _ => 16,
        };
        let watches = inputs.watches.min(if is_high { 3 } else { 1 });
        let most = (area.height / 2).max(6);
        let upper_rows = match (shows(Pane::Throughput), shows(Pane::Delivery)) {
            (false, false) => 0,
            _ => layout
                .upper_rows
                .unwrap_or(default + watches)
                .clamp(5, most),
        };
        let [header, banner, strip, upper, lower, footer] = Layouting::vertical([
            Constraint::Length(1),
            Constraint::Length(inputs.banner),
            Constraint::Length(strip_rows(area)),
            Constraint::Length(upper_rows),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(area);
        let share = layout.throughput_percent.unwrap_or(44).clamp(20, 80);
        let left = (area.width * share).div_ceil(100);
        let [throughput, delivery] =
            side_by_side(upper, left, shows(Pane::Throughput), shows(Pane::Delivery));
        // A high screen has room for a heat map below the limits.
        let default = if area.height >= HIGH_ROWS {
            (lower.height / 3).clamp(13, 20)
        } else {
            (lower.height / 4).clamp(5, 14)
        };
        let violations_rows = if shows(Pane::Violations) {
            let most = lower.height.saturating_sub(6).max(4);
            layout.violations_rows.unwrap_or(default).clamp(4, most)
        } else {
            0
        };
        let [middle, violations] =
            Layouting::vertical([Constraint::Min(0), Constraint::Length(violations_rows)])
                .areas(lower);
        Self {
            header,
            banner,
            strip,
            throughput,
            delivery,
            violations,
            inspector: lower,
            footer,
            ..Self::default()
        }
        .with_lists(area, middle, inputs)
    }

    /// Divides the room for filters and events, and that of an overlay, with the detail pane.
    fn with_lists(self, area: Rect, middle: Rect, inputs: LayoutInputs<'_>) -> Self {
        let layout = inputs.layout;
        let lower = self.inspector;
        let left = match layout.filters_percent {
            Some(share) => (area.width * share.clamp(15, 70) / 100).max(24),
            // The detail pane needs room too.
            None if dock::is_beside(area) && !layout.detail.hidden => {
                (area.width / 4).clamp(34, 52)
            }
            None => (area.width * 28 / 100).clamp(28, 52),
        };
        let shows_filters = !layout.hidden.contains(&Pane::Filters);
        let [filters, events] = side_by_side(middle, left, shows_filters, true);
        let split = |room| dock::split(room, area, layout.detail);
        let (events, overlay, detail) = match inputs.host {
            None => (events, lower, Rect::default()),
            Some(Host::Events) => {
                let [events, detail] = split(events);
                (events, lower, detail)
            }
            Some(Host::Person | Host::Limit | Host::DeadLetters) => {
                let [overlay, detail] = split(lower);
                (events, overlay, detail)
            }
        };
        Self {
            filters,
            events,
            detail,
            overlay,
            ..self
        }
    }

    /// The list that the detail pane is docked to.
    fn list(&self, host: Host) -> Rect {
        match host {
            Host::Events => self.events,
            Host::Person | Host::Limit | Host::DeadLetters => self.overlay,
        }
    }

    /// The pane at a position, and its area.
    pub fn pane_at(&self, at: Position) -> Option<(Pane, Rect)> {
        let areas = [
            (Pane::Throughput, self.throughput),
            (Pane::Delivery, self.delivery),
            (Pane::Filters, self.filters),
            (Pane::Events, self.events),
            (Pane::Violations, self.violations),
        ];
        areas.into_iter().find(|(_, room)| room.contains(at))
    }

    /// The movable border at a position.
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

    /// The border between the detail pane and its list, if it is at a position.
    pub(crate) fn detail_border_at(&self, host: Option<Host>, at: Position) -> Option<Border> {
        let host = host?;
        let is_border = dock::is_border(self.list(host), self.detail, at);
        is_border.then_some(Border::Detail(host))
    }

    /// Enlarges the detail pane by columns and rows at the cost of its list.
    pub(crate) fn resize_detail(&self, host: Host, by: (i16, i16), layout: &mut Layout) {
        let share = dock::share_resized(self.list(host), self.detail, by);
        layout.detail.percent = Some(share);
    }

    /// Moves a border to a position.
    pub fn drag(&self, border: Border, to: Position, layout: &mut Layout) {
        let width = self.header.width.max(1);
        let percent = |x: u16| x.saturating_mul(100) / width;
        match border {
            Border::Upper => layout.throughput_percent = Some(percent(to.x)),
            Border::Lower => layout.filters_percent = Some(percent(to.x)),
            Border::UnderUpper => {
                let top = self.header.height + self.banner.height + self.strip.height;
                layout.upper_rows = Some(to.y.saturating_sub(top) + 1);
            }
            Border::OverViolations => {
                layout.violations_rows = Some(self.footer.y.saturating_sub(to.y));
            }
            Border::Detail(host) => {
                let share = dock::share_at(self.list(host), self.detail, to);
                layout.detail.percent = Some(share);
            }
        }
    }

    /// Enlarges a pane by columns and rows (shrinks it, if negative) at the cost of its neighbours.
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

    /// The areas of a small screen: the miniature in place of the header, and events if there is room.
    fn miniature(area: Rect) -> Self {
        let (columns, rows) = LEAST_EVENTS;
        let has_events = area.width >= columns && area.height >= MINIATURE_ROWS + rows;
        let left = if has_events {
            MINIATURE_ROWS
        } else {
            area.height
        };
        let [header, events] =
            Layouting::vertical([Constraint::Length(left), Constraint::Min(0)]).areas(area);
        let [_, footer] =
            Layouting::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(area);
        Self {
            header,
            events,
            footer,
            ..Self::default()
        }
    }

    /// The areas while one pane is zoomed.
    fn zoomed(area: Rect, banner: u16, pane: Pane) -> Self {
        let [header, banner, strip, middle, footer] = Layouting::vertical([
            Constraint::Length(1),
            Constraint::Length(banner),
            Constraint::Length(strip_rows(area)),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(area);
        let mut areas = Self {
            header,
            banner,
            strip,
            footer,
            overlay: middle,
            inspector: middle,
            ..Self::default()
        };
        match pane {
            Pane::Throughput => areas.throughput = middle,
            Pane::Delivery => areas.delivery = middle,
            Pane::Filters => areas.filters = middle,
            Pane::Events => areas.events = middle,
            Pane::Violations => areas.violations = middle,
        }
        areas
    }

    /// Divides the screen.
    pub fn new(area: Rect, inputs: LayoutInputs<'_>) -> Self {
        match inputs.zoomed {
            _ if is_small(area) => Self::miniature(area),
            Some(pane) => Self::zoomed(area, inputs.banner, pane),
            None => Self::of(area, inputs),
        }
    }
}

/// A border that the mouse can move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Between throughput and delivery.
    Upper,
    /// Below throughput and delivery.
    UnderUpper,
    /// Between filters and events.
    Lower,
    /// Above the violations.
    OverViolations,
    /// Between the detail pane and its list.
    Detail(Host),
}

/// The areas of two panes side by side. A hidden pane gives its area to the other.
fn side_by_side(area: Rect, left: u16, shows_left: bool, shows_right: bool) -> [Rect; 2] {
    let left = match (shows_left, shows_right) {
        (true, true) => left.min(area.width),
        (true, false) => area.width,
        (false, _) => 0,
    };
    Layouting::horizontal([Constraint::Length(left), Constraint::Min(0)]).areas(area)
}
