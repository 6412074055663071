//! The help, at the screen's width: one column of keys, or two where they fit.

use ratatui::Frame;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::frame::focus::PopupKind;
use crate::tui::input::help::content::{Part, Row, parts, shown};
use crate::tui::input::help::state::Help;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

/// Columns for the keys, and for the name of a command.
const KEYS: usize = 16;
const NAME: usize = 19;
/// Columns of the screen from which there are two columns of keys.
const WIDE: usize = 150;

/// The area of the popup.
pub(crate) fn area_of(area: Rect) -> Rect {
    pane::centred(area, area.width, area.height.saturating_sub(2))
}

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, help: &Help, state: &State, theme: &Theme) {
    let room = area_of(area);
    let commands = [
        Command::Find,
        Command::InPopup(PopupCommand::NextSection),
        Command::Back,
    ];
    let keys = state.keymap.popup_hints(PopupKind::Help, &commands);
    let title = pane::Title::both("Help", &keys);
    let inside = pane::frame(frame, room, title, true, theme);
    let width = usize::from(inside.width);
    let mut lines = head(frame, inside, help, state, theme);
    let shown = shown(help, state, theme);
    if shown.is_empty() {
        lines.push(Line::styled(" no key and no command like that", theme.dim));
    }
    let height = usize::from(inside.height).saturating_sub(lines.len());
    let body = match width {
        WIDE.. => columns(&shown, width / 2, height, theme),
        _ => one_column(&shown, width, theme),
    };
    let most = body.len().saturating_sub(height);
    let scroll = help.scroll.min(most);
    lines.extend(body.into_iter().skip(scroll).take(height));
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The first lines: the search, or the names of the parts with the chosen one marked.
fn head(
    frame: &mut Frame<'_>,
    inside: Rect,
    help: &Help,
    state: &State,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let width = usize::from(inside.width);
    if help.is_searching || !help.search.value().is_empty() {
        let search = text::cut(help.search.value(), width.saturating_sub(4));
        if help.is_searching {
            let column = (2 + help.search.visual_cursor()).min(width.saturating_sub(1));
            frame.set_cursor_position((inside.x + column as u16, inside.y));
        }
        return vec![
            Line::from(vec![
                Span::styled(" /", theme.key),
                Span::styled(search, theme.text),
            ]),
            Line::default(),
        ];
    }
    let mut lines = Vec::new();
    for (index, (row, _, name)) in names(state, width, theme).into_iter().enumerate() {
        lines.resize(row + 1, Line::default());
        let chosen = index == help.part;
        let style = if chosen { theme.selected } else { theme.dim };
        let name = if chosen {
            format!("[{name}]")
        } else {
            format!(" {name} ")
        };
        if let Some(line) = lines.last_mut() {
            line.push_span(Span::styled(name, style));
            line.push_span(Span::raw(" "));
        }
    }
    lines.push(Line::default());
    lines
}

/// The names of the parts, each with its row and its first column.
fn names(state: &State, width: usize, theme: &Theme) -> Vec<(usize, usize, &'static str)> {
    let all = parts(state, theme);
    let (mut row, mut used) = (0, 0);
    let names = std::iter::once("All").chain(all.iter().map(|part| part.short));
    names
        .map(|name| {
            let needs = text::width(name) + 3;
            if used + needs > width {
                (row, used) = (row + 1, 0);
            }
            used += needs;
            (row, used - needs, name)
        })
        .collect()
}

/// The part whose name is at a position. 0: all parts.
pub(crate) fn part_at(screen: Rect, help: &Help, state: &State, at: Position) -> Option<usize> {
    let inside = area_of(screen).inner(Margin::new(1, 1));
    if help.is_searching || !help.search.value().is_empty() || !inside.contains(at) {
        return None;
    }
    let (row, column) = (usize::from(at.y - inside.y), usize::from(at.x - inside.x));
    let names = names(state, usize::from(inside.width), &Theme::plain(false));
    names.iter().position(|(name_row, first, name)| {
        let columns = *first..first + text::width(name) + 2;
        row == *name_row && columns.contains(&column)
    })
}

fn one_column(parts: &[Part], width: usize, theme: &Theme) -> Vec<Line<'static>> {
    parts
        .iter()
        .flat_map(|part| part_lines(part, width, theme))
        .collect()
}

/// Two columns, balanced; a part that is longer than the screen may be split.
fn columns(parts: &[Part], width: usize, height: usize, theme: &Theme) -> Vec<Line<'static>> {
    let all = one_column(parts, width, theme);
    if all.len() <= height {
        return all;
    }
    let half = all.len().div_ceil(2);
    let mut left = all;
    let right = left.split_off(half);
    let mut right = right.into_iter();
    for line in &mut left {
        let gap = width.saturating_sub(line.width());
        line.push_span(Span::raw(" ".repeat(gap)));
        if let Some(beside) = right.next() {
            line.spans.extend(beside.spans.into_iter().map(|span| {
                let style = beside.style.patch(span.style);
                span.style(style)
            }));
        }
    }
    left
}

fn part_lines(part: &Part, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let title = Span::styled(format!(" {}", part.title), theme.accent);
    let mut lines = vec![Line::from(title)];
    for row in &part.rows {
        lines.extend(row_lines(row, width, theme));
    }
    lines.push(Line::default());
    lines
}

fn row_lines(row: &Row, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let keys = text::fit(&row.keys, KEYS);
    let (name, lead) = match row.name.as_str() {
        "" => (String::new(), 3 + KEYS),
        name => (text::fit(name, NAME), 3 + KEYS + NAME),
    };
    let meaning = text::wrap(&row.meaning, width.saturating_sub(lead + 1));
    let line = |(index, meaning)| match index {
        0 => Line::from(vec![
            Span::styled(format!("   {keys}"), theme.key),
            Span::styled(name.clone(), theme.dim),
            Span::styled(meaning, theme.text),
        ]),
        _ => Line::from(Span::styled(
            format!("{}{meaning}", " ".repeat(lead)),
            theme.text,
        )),
    };
    meaning.into_iter().enumerate().map(line).collect()
}
