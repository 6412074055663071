//! The events pane, the newest on top: time, type, person, size and outcome.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::events::outcome::Severity;
use crate::tui::events::page::{BarSegment, Row};
use crate::tui::events::title;
use crate::tui::frame::focus::Pane;
use crate::tui::state::State;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let events = &state.events;
    let page = &events.page;
    let (title, right) = title::titles(state, usize::from(area.width), theme);
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(&title, &right),
        state.focus == Pane::Events,
        theme,
    );
    let width = usize::from(inside.width);
    if page.rows.is_empty() {
        let lines = text::wrap(&title::empty(state), width.saturating_sub(1));
        let lines = lines
            .into_iter()
            .map(|line| Line::styled(format!(" {line}"), theme.dim));
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inside);
        return;
    }
    let cursor = events.cursor;
    let columns = Columns::of(width);
    let rows = page.rows.iter().take(usize::from(inside.height));
    let lines: Vec<Line<'_>> = rows
        .map(|row| {
            let hidden = state.privacy.filter(|_| !row.person.starts_with('('));
            let person = match hidden {
                Some(privacy) => &privacy.id(&row.person),
                None => &row.person,
            };
            let mut line = columns.line(row, person, cursor == Some(row.sequence), theme);
            if events.selected.contains(&row.sequence) {
                line.spans[0] = Span::styled(theme.sign(Sign::Selected), theme.accent);
            }
            line
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
    bar(frame, area, &page.bar, theme);
}

/// Draws the overview of the ring beside the rows: visible part, matches and bookmarks.
fn bar(frame: &mut Frame<'_>, area: Rect, parts: &[BarSegment], theme: &Theme) {
    let column = area.right().saturating_sub(1);
    for (row, part) in (area.y + 1..area.bottom().saturating_sub(1)).zip(parts) {
        let (sign, style) = match part {
            BarSegment {
                is_marked: true, ..
            } => (Sign::Bookmark, theme.warn),
            BarSegment { is_found: true, .. } => (Sign::Match, theme.accent),
            BarSegment { is_shown: true, .. } => (Sign::Thumb, theme.border_focused),
            _ => continue,
        };
        let buffer = frame.buffer_mut();
        buffer.set_string(column, row, theme.sign(sign), style);
    }
}

/// The widths of the columns.
struct Columns {
    clock: usize,
    event_type: usize,
    person: usize,
    bytes: usize,
    outcome: usize,
}

impl Columns {
    fn of(width: usize) -> Self {
        // A narrow pane drops milliseconds and size in favour of the outcome.
        let clock = if width >= 70 { 12 } else { 8 };
        let bytes = if width >= 64 { 9 } else { 0 };
        let rest = width.saturating_sub(clock + bytes + 6);
        let share = if width >= 70 { 38 } else { 32 };
        let event_type = (rest * share / 100).clamp(12, 36);
        let person = (rest * 18 / 100).clamp(7, 38);
        Self {
            clock,
            event_type,
            person,
            bytes,
            outcome: rest.saturating_sub(event_type + person + 2),
        }
    }

    fn line(&self, row: &Row, person: &str, selected: bool, theme: &Theme) -> Line<'static> {
        let style = style_of(row.severity, theme);
        let name = text::event_name(&row.event_type);
        let name_style = if row.severity == Severity::Quiet {
            theme.dim
        } else {
            theme.text
        };
        let bytes = if self.bytes > 0 {
            text::fit_right(&text::bytes(row.bytes), self.bytes)
        } else {
            String::new()
        };
        let (mark, mark_style) = title::mark(row, theme);
        let line = Line::from(vec![
            Span::styled(mark, mark_style),
            Span::styled(
                format!("{} ", &row.clock[..self.clock.min(row.clock.len())]),
                theme.dim,
            ),
            Span::styled(format!("{} ", theme.sign(row.sign)), style),
            Span::styled(format!("{} ", text::fit(name, self.event_type)), name_style),
            Span::styled(text::fit(person, self.person), name_style),
            Span::styled(format!("{bytes}  "), theme.dim),
            Span::styled(text::fit(&row.outcome, self.outcome), style),
        ]);
        if selected { theme.select(line) } else { line }
    }
}

pub(crate) fn style_of(severity: Severity, theme: &Theme) -> Style {
    match severity {
        Severity::Quiet => theme.dim,
        Severity::Plain => theme.text,
        Severity::Good => theme.good,
        Severity::Warn => theme.warn,
        Severity::Bad => theme.bad,
    }
}
