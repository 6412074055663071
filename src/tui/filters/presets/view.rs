//! The presets, and the differences of the selected one.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::filter::Filters;
use crate::filter::change::tally;
use crate::text::counted;
use crate::tui::filters::presets::state::{Presets, Prompt};
use crate::tui::frame::focus::PopupKind;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::widget::list::visible;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Maximum presets visible at once.
pub(crate) const ROWS: usize = 8;

/// The area of the popup.
pub(crate) fn area_of(area: Rect, state: &State) -> Rect {
    let columns = 96.min(area.width.saturating_sub(2));
    let listed = state.presets.len().clamp(1, ROWS) as u16;
    pane::centred(
        area,
        columns,
        (listed + 14).min(area.height.saturating_sub(2)),
    )
}

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    open: &Presets,
    state: &State,
    theme: &Theme,
) {
    let room = area_of(area, state);
    let commands = [
        PopupCommand::Choose,
        PopupCommand::SaveAs,
        PopupCommand::Mark,
        PopupCommand::Remove,
    ];
    let keys = state
        .keymap
        .popup_hints(PopupKind::List, &commands.map(Command::InPopup));
    let inside = pane::frame(
        frame,
        room,
        pane::Title::both("Filter presets", &keys),
        true,
        theme,
    );
    let (width, height) = (usize::from(inside.width), usize::from(inside.height));
    let mut lines = list(open, state, width, theme);
    lines.push(rule(&difference(open, state), width, theme));
    let left = height.saturating_sub(lines.len() + 1);
    lines.extend(differs(open, state, width, left, theme));
    lines.resize(height.saturating_sub(1), Line::default());
    let (last, column) = asked(open, state, theme);
    lines.push(last);
    frame.render_widget(Paragraph::new(lines), inside);
    if let Some(column) = column {
        let column = column.min(inside.width.saturating_sub(1));
        frame.set_cursor_position((inside.x + column, inside.bottom().saturating_sub(1)));
    }
}

fn list(open: &Presets, state: &State, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    if state.presets.is_empty() {
        let save = Command::InPopup(PopupCommand::SaveAs);
        let save = state.keymap.popup_key(save, PopupKind::List);
        let message = format!(" no presets yet: {save} saves the filters as one");
        return vec![Line::styled(message, theme.dim)];
    }
    let shown = visible(&state.presets, open.row, ROWS);
    let line = |(index, (name, filters)): (usize, (&String, &Filters))| {
        let marked = open.against.as_ref() == Some(name);
        let mark = if marked { theme.sign(Sign::Live) } else { " " };
        let differs = match tally(&state.changes(&state.filters, filters)).as_str() {
            "" => "active".to_owned(),
            differences => format!("differs: {differences}"),
        };
        let rules = counted(filters.rules.len() as u64, "rule");
        let tail = format!("{rules}   {}", text::fit_right(&differs, 40));
        let room = width.saturating_sub(text::width(&tail) + 4);
        let line = Line::from(vec![
            Span::styled(format!(" {mark} "), theme.accent),
            Span::styled(text::fit(name, room), theme.text),
            Span::styled(format!("{tail} "), theme.dim),
        ]);
        if index == open.row {
            theme.select(line)
        } else {
            line
        }
    };
    shown.map(line).collect()
}

/// The preset under the cursor.
fn chosen<'s>(open: &Presets, state: &'s State) -> Option<(&'s String, &'s Filters)> {
    state.presets.iter().nth(open.row)
}

fn difference(open: &Presets, state: &State) -> String {
    let from = match &open.against {
        Some(name) => format!("“{name}”"),
        None => "the active filters".to_owned(),
    };
    match chosen(open, state) {
        Some((name, _)) => format!("From {from} to “{name}”"),
        None => String::new(),
    }
}

fn rule(title: &str, width: usize, theme: &Theme) -> Line<'static> {
    let dash = theme.sign(Sign::Dash);
    let name = match title {
        "" => String::new(),
        title => format!("{dash} {} ", text::cut(title, width.saturating_sub(4))),
    };
    let fill = dash.repeat(width.saturating_sub(text::width(&name)));
    Line::styled(format!("{name}{fill}"), theme.dim)
}

fn differs(
    open: &Presets,
    state: &State,
    width: usize,
    rows: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let Some((_, to)) = chosen(open, state) else {
        return Vec::new();
    };
    let marked = open
        .against
        .as_ref()
        .and_then(|name| state.presets.get(name));
    let found = state.changes(marked.unwrap_or(&state.filters), to);
    if found.is_empty() {
        return vec![Line::styled(" nothing differs", theme.dim)];
    }
    let mut lines: Vec<Line<'_>> = found
        .iter()
        .map(|change| {
            let message = text::cut(&change.to_string(), width.saturating_sub(2));
            Line::styled(format!(" {message}"), theme.text)
        })
        .collect();
    if lines.len() > rows {
        lines.truncate(rows.saturating_sub(1));
        let more = found.len() - lines.len();
        lines.push(Line::styled(format!(" and {more} more"), theme.dim));
    }
    lines
}

/// The prompt at the bottom, and the column of its cursor.
fn asked(open: &Presets, state: &State, theme: &Theme) -> (Line<'static>, Option<u16>) {
    match &open.prompt {
        Some(Prompt::Name(input)) => {
            let source = if state.draft.is_some() {
                "the draft"
            } else {
                "the active filters"
            };
            let lead = format!(" save {source} as ");
            let column = text::width(&lead) + input.visual_cursor();
            let line = Line::from(vec![
                Span::styled(lead, theme.key),
                Span::styled(text::cut(input.value(), 60), theme.text),
            ]);
            (line, Some(column as u16))
        }
        Some(Prompt::Delete(name)) => {
            let line = Line::from(vec![
                Span::styled(format!(" delete “{}”?  ", text::cut(name, 40)), theme.warn),
                Span::styled("y", theme.key),
                Span::styled(" yes, any other key no", theme.dim),
            ]);
            (line, None)
        }
        None => (Line::default(), None),
    }
}
