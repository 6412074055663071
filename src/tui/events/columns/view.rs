//! The rows of the events in their columns, and the popup that chooses the columns.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use crate::tui::events::columns::column::Column;
use crate::tui::events::columns::state::{ChosenColumn, ColumnChooser, entries, has_titles};
use crate::tui::events::columns::widths::{gap, widths};
use crate::tui::events::outcome::Severity;
use crate::tui::events::page::Row;
use crate::tui::events::severity_style::style_of;
use crate::tui::events::title;
use crate::tui::frame::focus::PopupKind;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::widget::list::visible;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

/// The commands of the chooser that it names.
const COMMANDS: [Command; 9] = [
    Command::InPopup(PopupCommand::Mark),
    Command::InPopup(PopupCommand::MoveUp),
    Command::InPopup(PopupCommand::MoveDown),
    Command::Wider,
    Command::Narrower,
    Command::InPopup(PopupCommand::Automatic),
    Command::InPopup(PopupCommand::New),
    Command::ResetLayout,
    Command::Back,
];

/// Rows below the columns: an empty one, and the commands in two columns.
const KEY_ROWS: usize = 1 + COMMANDS.len().div_ceil(2);

/// The columns with their widths.
pub(crate) struct Grid {
    columns: Vec<ChosenColumn>,
    widths: Vec<usize>,
}

impl Grid {
    /// The columns for rows in a pane of this inner width.
    pub(crate) fn new(columns: Vec<ChosenColumn>, rows: &[Row], width: usize) -> Self {
        let widths = widths(&columns, rows, width);
        Self { columns, widths }
    }

    /// The row of titles, if there is one.
    pub(crate) fn titles(&self, theme: &Theme) -> Option<Line<'static>> {
        let title = |index: usize| {
            let title = self.columns[index].column.title();
            (self.fitted(index, title), theme.dim)
        };
        let lead = Span::raw(" ");
        let line = || self.line(lead, Span::raw("  "), title);
        has_titles(&self.columns).then(line)
    }

    /// An event as a row. `person` is their ID as it is shown.
    pub(crate) fn row(&self, row: &Row, person: &str, theme: &Theme) -> Line<'static> {
        let (mark, mark_style) = title::mark(row, theme);
        let style = style_of(row.severity, theme);
        let sign = Span::styled(format!("{} ", theme.sign(row.sign)), style);
        let cell = |index: usize| self.cell(index, row, person, theme);
        self.line(Span::styled(mark, mark_style), sign, cell)
    }

    /// A line of cells. The sign of the outcome is behind the time, or else in front.
    fn line(
        &self,
        lead: Span<'static>,
        sign: Span<'static>,
        cell: impl Fn(usize) -> (String, Style),
    ) -> Line<'static> {
        let mut spans = vec![lead];
        let sign_at = usize::from(matches!(
            self.columns.first().map(|first| &first.column),
            Some(Column::Received)
        ));
        let mut sign = Some(sign);
        for (index, column) in self.columns.iter().enumerate() {
            if index == sign_at {
                spans.extend(sign.take());
            }
            let (content, style) = cell(index);
            spans.push(Span::styled(content, style));
            spans.push(Span::raw(" ".repeat(gap(column))));
        }
        spans.extend(sign);
        Line::from(spans)
    }

    fn cell(&self, index: usize, row: &Row, person: &str, theme: &Theme) -> (String, Style) {
        let name_style = if row.severity == Severity::Quiet {
            theme.dim
        } else {
            theme.text
        };
        let width = self.widths[index];
        let value = row.cells.get(index).map_or("", String::as_str);
        match &self.columns[index].column {
            // The time is shown without milliseconds rather than with a part of them.
            Column::Received if width < row.clock.len() => {
                let clock = row.clock.get(..8).unwrap_or_default();
                (text::fit(clock, width), theme.dim)
            }
            Column::Received => (text::fit(&row.clock, width), theme.dim),
            Column::Type => (text::fit_name(&row.event_type, width), name_style),
            Column::Person => (text::fit(person, width), name_style),
            Column::Size => (self.fitted(index, &text::bytes(row.bytes)), theme.dim),
            Column::Outcome => {
                let style = style_of(row.severity, theme);
                (text::fit(&row.outcome, width), style)
            }
            Column::Field(_) => (self.fitted(index, value), name_style),
            Column::Lag | Column::Attempts | Column::Latency | Column::DeliveredAt => {
                (self.fitted(index, value), theme.dim)
            }
        }
    }

    /// A value in the width of its column.
    fn fitted(&self, index: usize, value: &str) -> String {
        if self.columns[index].column.is_number() {
            text::fit_right(value, self.widths[index])
        } else {
            text::fit(value, self.widths[index])
        }
    }
}

/// The area of the popup that chooses the columns.
pub(crate) fn area_of(area: Rect, state: &State) -> Rect {
    let columns = 72.min(area.width.saturating_sub(2));
    let rows = (entries(&state.event_columns()).len() + KEY_ROWS + 2) as u16;
    pane::centred(area, columns, rows.min(area.height.saturating_sub(2)))
}

/// Rows for columns in the popup.
pub(crate) fn listed(room: Rect) -> usize {
    let inside = usize::from(room.height).saturating_sub(2);
    inside.saturating_sub(KEY_ROWS).max(1)
}

/// Draws the popup that chooses the columns.
pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    open: &ColumnChooser,
    state: &State,
    theme: &Theme,
) {
    let all = entries(&state.event_columns());
    let room = area_of(area, state);
    let title = pane::Title::left("Columns of the events");
    let inside = pane::frame(frame, room, title, true, theme);
    let (width, listed) = (usize::from(inside.width), listed(room));
    let row = open.row.min(all.len() - 1);
    let mut lines: Vec<Line<'_>> = visible(&all, row, listed)
        .map(|(index, entry)| {
            let line = entry_line(entry, width, theme);
            if index == row {
                theme.select(line)
            } else {
                line
            }
        })
        .collect();
    lines.resize(listed, Line::default());
    match &open.field {
        Some(field) => {
            let (typed, column) = field_lines(field, width, theme);
            lines.extend(typed);
            let row = inside.y + listed as u16;
            if row < inside.bottom() {
                frame.set_cursor_position((inside.x + column, row));
            }
        }
        None => lines.extend(key_lines(state, width, theme)),
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The field that is typed, a hint, and the column of the cursor.
fn field_lines(field: &Input, width: usize, theme: &Theme) -> ([Line<'static>; 2], u16) {
    let lead = " field: ";
    let room = width.saturating_sub(lead.len() + 1);
    let skipped = field.visual_scroll(room);
    let typed: String = field.value().chars().skip(skipped).collect();
    let column = lead.len() + field.visual_cursor().saturating_sub(skipped);
    let typed = Line::from(vec![
        Span::styled(lead, theme.key),
        Span::styled(text::cut(&typed, room), theme.text),
    ]);
    let hint = " a path, such as country or event_properties.total";
    let hint = Line::styled(text::cut(hint, width), theme.dim);
    ([typed, hint], column.min(width.saturating_sub(1)) as u16)
}

/// The keys, two in a row.
fn key_lines(state: &State, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let half = width / 2;
    let key = |does: &Command| {
        let hint = state.keymap.popup_hints(PopupKind::Columns, &[*does]);
        let (key, does) = hint.split_once(' ').unwrap_or((&hint, ""));
        let room = half.saturating_sub(8);
        [
            Span::styled(format!(" {}", text::fit(key, 6)), theme.key),
            Span::styled(format!(" {}", text::fit(does, room)), theme.dim),
        ]
    };
    let rows = COMMANDS.chunks(2).map(|pair| {
        let keys = pair.iter().flat_map(key);
        keys.collect::<Line<'_>>()
    });
    std::iter::once(Line::default()).chain(rows).collect()
}

fn entry_line(
    (chosen, is_on): &(ChosenColumn, bool),
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let mark = if *is_on { "[x]" } else { "[ ]" };
    let columns = match (is_on, chosen.width) {
        (false, _) => String::new(),
        (true, None) => "automatic".to_owned(),
        (true, Some(columns)) => format!("{columns} columns"),
    };
    let room = width.saturating_sub(6 + text::width(&columns) + 1);
    let style = if *is_on { theme.text } else { theme.dim };
    Line::from(vec![
        Span::styled(format!(" {mark} "), style),
        Span::styled(text::fit(chosen.column.name(), room), style),
        Span::styled(format!("{columns} "), theme.dim),
    ])
}
