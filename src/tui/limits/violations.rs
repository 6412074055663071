//! The violations pane: one row per violated limit, with its trend and its worst case.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::limits::{Policy, Unit};
use crate::protocol::LimitRow;
use crate::text::{counted, grouped};
use crate::tui::frame::focus::Pane;
use crate::tui::input::keymap::Command;
use crate::tui::limits::heat_map;
use crate::tui::limits::rejections::Rejections;
use crate::tui::state::State;
use crate::tui::widget::list::scroll;
use crate::tui::widget::sparkline::sparkline;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let shown = state.shown();
    let focused = state.has_focus(Pane::Violations);
    let shown_limits = state.shown_limits();
    let recent: u64 = shown_limits.iter().map(|row| row.recent).sum();
    let dash = theme.sign(Sign::Dash);
    let limits = match shown_limits.len() {
        0 => String::new(),
        1 => ", of 1 limit".to_owned(),
        count => format!(", of {count} limits"),
    };
    let span = match state.range_figures() {
        Some(_) => "in the range",
        None => "in 10 m",
    };
    let title = format!("Violations {dash} {} {span}{limits}", grouped(recent));
    let right = match shown.totals.malformed {
        0 => String::new(),
        malformed => format!("{} since start", counted(malformed, "malformed frame")),
    };
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(&title, &right),
        focused,
        theme,
    );
    if shown_limits.is_empty() {
        let open = state.key(Command::Open);
        let when = match state.range_figures() {
            Some(_) => " in the range",
            None => "",
        };
        let message = format!(
            " no limit violated{when}; {open} on one that is shows its events, the values and the start"
        );
        let message = text::cut(&message, usize::from(inside.width));
        frame.render_widget(Line::styled(message, theme.dim), inside);
        return;
    }
    let (list, map) = divided(inside, state);
    let rows = usize::from(list.height);
    let width = usize::from(list.width);
    let cursor = state.violation.min(shown_limits.len() - 1);
    let offset = first(state, rows);
    let lines: Vec<Line<'_>> = shown_limits
        .iter()
        .enumerate()
        .skip(offset)
        .take(rows)
        .map(|(index, row)| {
            let is_selected = focused && index == cursor;
            line(row, is_selected, width, theme)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), list);
    if let Some(map) = map {
        let room = (usize::from(map.width), usize::from(map.height));
        let lines = heat_map::lines(&Rejections::of(shown_limits), room, theme);
        frame.render_widget(Paragraph::new(lines), map);
    }
}

/// Minimum columns of the list of limits beside the heat map.
const LIST_COLUMNS: u16 = 110;

/// Minimum rows of the heat map beside the list.
const ROWS_BESIDE: u16 = 6;

/// The areas of the list of limits and of the heat map. The map is beside the list on a wide screen, and
/// below it on a high one. None without rejections, and for a range: it counts 10 minutes.
fn divided(inside: Rect, state: &State) -> (Rect, Option<Rect>) {
    let limits = state.shown_limits();
    let rejections = Rejections::of(limits);
    let least = heat_map::LEAST_ROWS as u16;
    if rejections.limits.is_empty() || state.range.is_some() || inside.height < least {
        return (inside, None);
    }
    let columns = inside.width.saturating_sub(LIST_COLUMNS + 2);
    let beside = heat_map::columns_for(&rejections, usize::from(columns));
    if let Some(wanted) = beside.filter(|_| inside.height >= ROWS_BESIDE) {
        let [list, _, map] = Layout::horizontal([
            Constraint::Min(0),
            Constraint::Length(2),
            Constraint::Length(wanted as u16),
        ])
        .areas(inside);
        return (list, Some(map));
    }
    // The list gives way down to half of the rows; it scrolls.
    let wanted = (rejections.types.len() as u16).saturating_add(2).max(least);
    let rows = (inside.height / 2).max(inside.height.saturating_sub(limits.len() as u16 + 1));
    if rows < least {
        return (inside, None);
    }
    let [list, _, map] = Layout::vertical([
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(wanted.min(rows)),
    ])
    .areas(inside);
    (list, Some(map))
}

/// The index of the first visible limit.
fn first(state: &State, rows: usize) -> usize {
    let count = state.shown_limits().len();
    if state.has_focus(Pane::Violations) {
        scroll(state.violation.min(count.saturating_sub(1)), rows, count)
    } else {
        0
    }
}

/// The index of the limit at a position in the pane.
pub fn row_at(state: &State, room: Rect, at: Position) -> Option<usize> {
    let (list, _) = divided(room.inner(Margin::new(1, 1)), state);
    let row = usize::from(at.y.checked_sub(list.y)?);
    let index = first(state, usize::from(list.height)) + row;
    let is_limit = list.contains(at) && index < state.shown_limits().len();
    is_limit.then_some(index)
}

fn line(row: &LimitRow, selected: bool, width: usize, theme: &Theme) -> Line<'static> {
    let style = match row.policy {
        Policy::Reject => theme.bad,
        Policy::Warn | Policy::Off => theme.warn,
    };
    let wide = width >= 110;
    let trend_room = if wide { 12 } else { 6 };
    let type_room = if wide { 20 } else { 12 };
    let trend = trend(&row.trend, trend_room, theme);
    let clock = if wide {
        time::to_clock_seconds(row.last_ms)
    } else {
        String::new()
    };
    let fixed = 9 + 25 + 6 + 2 + trend_room + 2 + type_room + 1 + clock.len() + 2;
    let message = worst(row);
    let name = text::fit_name(&row.worst_type, type_room);
    let line = Line::from(vec![
        Span::styled(format!(" {:<8}", row.policy.verb()), style),
        Span::styled(text::fit(row.code.name(), 25), style),
        Span::styled(text::fit_right(&grouped(row.recent), 6), theme.text),
        Span::styled(format!("  {trend}  "), style),
        Span::styled(format!("{name} "), theme.text),
        Span::styled(text::fit(&message, width.saturating_sub(fixed)), theme.dim),
        Span::styled(format!(" {clock} "), theme.dim),
    ]);
    if selected { theme.select(line) } else { line }
}

/// The worst case: path and size, or else the description of the violation.
fn worst(row: &LimitRow) -> String {
    let v = &row.worst;
    match v.unit {
        Unit::Bytes => format!(
            "{} {} B > {} B",
            v.path,
            grouped(v.measured),
            grouped(v.limit)
        ),
        Unit::Count => format!("{} {} > {}", v.path, grouped(v.measured), grouped(v.limit)),
        Unit::Ms | Unit::None => v.sentence.clone(),
    }
}

/// The trend in `room` columns, the newest on the right.
fn trend(trend: &[u64], room: usize, theme: &Theme) -> String {
    let mut steps = vec![0.0; room];
    let per_sign = 60_usize.div_ceil(room.max(1));
    for (back, count) in trend.iter().rev().enumerate() {
        if let Some(index) = room.checked_sub(1 + back / per_sign) {
            steps[index] += *count as f64;
        }
    }
    sparkline(&steps, 1.0, theme.ascii)
}
