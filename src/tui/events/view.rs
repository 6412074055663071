//! The events pane, the newest on top.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::events::columns::view::Grid;
use crate::tui::events::page::BarSegment;
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
        state.has_focus(Pane::Events),
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
    // The event in the detail pane, while that has the focus.
    let inspected = state.overlays.inspector().map(|open| open.sequence);
    let cursor = inspected.or(events.cursor);
    let grid = Grid::new(state.event_columns(), &page.rows, width);
    let titles = grid.titles(theme);
    let below = usize::from(inside.height).saturating_sub(usize::from(titles.is_some()));
    let rows = page.rows.iter().take(below);
    let rows = rows.map(|row| {
        let hidden = state.privacy.filter(|_| !row.person.starts_with('('));
        let person = match hidden {
            Some(privacy) => &privacy.id(&row.person),
            None => &row.person,
        };
        let mut line = grid.row(row, person, theme);
        if cursor == Some(row.sequence) {
            line = theme.select(line);
        }
        if events.selected.contains(&row.sequence) {
            line.spans[0] = Span::styled(theme.sign(Sign::Selected), theme.accent);
        }
        line
    });
    let lines: Vec<Line<'_>> = titles.into_iter().chain(rows).collect();
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
