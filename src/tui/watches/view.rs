//! The list of watched conditions, the editor, and the rows in the throughput pane.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::telemetry::watches::WATCH_RATE_SECONDS as RATE_SECONDS;
use crate::text::grouped;
use crate::tui::frame::focus::PopupKind;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::throughput::layout::COLUMNS_BESIDE_HISTORY;
use crate::tui::watches::query::{Watch, WatchCount};
use crate::tui::watches::state::{WatchEditor, WatchField, WatchList};
use crate::tui::widget::completion::candidates;
use crate::tui::widget::condition::Written;
use crate::tui::widget::list::visible;
use crate::tui::widget::sparkline::scaled;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// The time over which the rate of a watch is measured.
pub(crate) const RATE_SPAN: &str = "10 s";
const _: () = assert!(RATE_SECONDS == 10);

/// A row of the throughput pane: the rate of a watch, and its history on a scale up to `top`, if there is
/// one.
pub(crate) fn row(
    watch: &Watch,
    seen: Option<&WatchCount>,
    (width, top): (usize, Option<f64>),
    theme: &Theme,
) -> Line<'static> {
    let none = WatchCount::default();
    let seen = seen.unwrap_or(&none);
    let rate = seen.rate();
    let exceeds_alert = watch.exceeds_alert(seen);
    let style = if exceeds_alert {
        theme.bad
    } else {
        theme.accent
    };
    let sign = if exceeds_alert {
        theme.sign(Sign::Attention)
    } else {
        theme.sign(Sign::Watch)
    };
    // Aligned with the rows above.
    let points = width.saturating_sub(COLUMNS_BESIDE_HISTORY);
    let name = text::fit(watch.label(), 8);
    let chart = top.map(|top| scaled(&seen.history(points), top, theme.ascii));
    Line::from(vec![
        Span::styled(format!(" {sign} {name}"), style),
        Span::styled(text::fit_right(&text::rate(rate), 8), theme.text),
        Span::raw("  "),
        Span::styled(chart.unwrap_or_default(), style),
    ])
}

/// The area of the popup.
pub(crate) fn area_of(area: Rect, list: &WatchList, state: &State) -> Rect {
    let columns = 108.min(area.width.saturating_sub(2));
    let editor = list.editor.as_ref().map_or(0, |_| EDITOR_ROWS);
    let rows = (state.watches.len() as u16 + 3 + editor).max(8);
    pane::centred(area, columns, rows.min(area.height.saturating_sub(2)))
}

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    list: &WatchList,
    state: &State,
    theme: &Theme,
) {
    let editing = list.editor.is_some();
    let room = area_of(area, list, state);
    let keys = keys(list, state);
    let title = match area.width {
        100.. => format!("Watches: count since opened, rate over {RATE_SECONDS} s"),
        _ => "Watched conditions".to_owned(),
    };
    let inside = pane::frame(frame, room, pane::Title::both(&title, &keys), true, theme);
    let width = usize::from(inside.width);
    let fields_rows = if editing { EDITOR_ROWS } else { 0 };
    let room = usize::from(inside.height.saturating_sub(fields_rows));
    let mut lines = Vec::new();
    for (index, watch) in visible(&state.watches, list.row, room) {
        let selected = !editing && index == list.row;
        lines.push(watch_row(
            watch,
            state.shown_watch_counts().get(index),
            selected,
            width,
            theme,
        ));
    }
    if let Some(editor) = &list.editor {
        lines.resize(room, Line::default());
        let top = lines.len() as u16;
        lines.extend(fields(editor, width, state.privacy.is_some(), theme));
        let (row, column) = match editor.field {
            WatchField::When => (top, visible_cursor(editor, width)),
            WatchField::Above => (top + 3, editor.above.visual_cursor()),
            WatchField::Name => (top + 5, editor.name.visual_cursor()),
        };
        let column = (LABEL + column).min(width.saturating_sub(1)) as u16;
        frame.set_cursor_position((inside.x + column, inside.y + row));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The keys for the title.
fn keys(list: &WatchList, state: &State) -> String {
    if list.editor.is_some() {
        return "Enter saves, Tab next field, Esc".to_owned();
    }
    let commands = [
        PopupCommand::Choose,
        PopupCommand::New,
        PopupCommand::Edit,
        PopupCommand::Remove,
    ];
    let commands = commands.map(Command::InPopup);
    state.keymap.popup_hints(PopupKind::List, &commands)
}

/// Rows of the editor.
const EDITOR_ROWS: u16 = 6;
/// Columns before the value of a field.
const LABEL: usize = 14;

fn visible_cursor(editor: &WatchEditor, width: usize) -> usize {
    let room = width.saturating_sub(LABEL + 1);
    let scroll = editor.when.visual_scroll(room);
    editor.when.visual_cursor().saturating_sub(scroll)
}

fn fields(
    editor: &WatchEditor,
    width: usize,
    is_private: bool,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let room = width.saturating_sub(LABEL + 1);
    let scroll = editor.when.visual_scroll(room);
    let condition: String = editor.when.value().chars().skip(scroll).collect();
    let field = |field: WatchField, name: &str, value: &str| {
        let focused = field == editor.field;
        let cursor = if focused {
            theme.sign(Sign::Cursor)
        } else {
            " "
        };
        let style = if focused { theme.accent } else { theme.text };
        Line::from(vec![
            Span::styled(format!(" {cursor} "), theme.key),
            Span::styled(format!("{name:<11}"), theme.dim),
            Span::styled(text::cut(value, room), style),
        ])
    };
    let written = Written {
        when: &editor.when,
        error: editor.error.as_ref(),
        advice: editor.advice.as_ref(),
        hint: "a condition, such as event_properties.total > 1000.0",
    };
    let [caret, verdict] = written.verdict(LABEL, room, theme);
    let verdict = match &editor.when.menu {
        Some(menu) => candidates(menu, LABEL, is_private, room, theme),
        None => verdict,
    };
    let lead = " ".repeat(LABEL);
    vec![
        field(WatchField::When, "watch", &condition),
        caret,
        verdict,
        field(WatchField::Above, "alert above", editor.above.value()),
        Line::styled(
            format!("{lead}events per second, over 10 s; empty: no alert"),
            theme.dim,
        ),
        field(WatchField::Name, "name", editor.name.value()),
    ]
}

fn watch_row(
    watch: &Watch,
    seen: Option<&WatchCount>,
    selected: bool,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let none = WatchCount::default();
    let seen = seen.unwrap_or(&none);
    let exceeds_alert = watch.exceeds_alert(seen);
    let above = match watch.above {
        Some(n) => format!("alert > {n}/s"),
        None => "no alert".to_owned(),
    };
    let values = seen.history(20);
    let top = values.iter().copied().fold(0.5, f64::max);
    let history = scaled(&values, top, theme.ascii);
    let top = text::fit_right(&format!("top {}", text::rate(top)), 14);
    let tail = format!(
        "{}{}  ",
        text::fit_right(&grouped(seen.count), 11),
        text::fit_right(&text::rate(seen.rate()), 10)
    );
    let above = text::fit_right(&above, 15);
    let room = width.saturating_sub(text::width(&tail) + text::width(&above) + 23 + 14);
    let style = if exceeds_alert { theme.bad } else { theme.text };
    let line = Line::from(vec![
        Span::styled(format!(" {}", text::fit(watch.label(), room)), style),
        Span::styled(tail, theme.text),
        Span::styled(history, theme.accent),
        Span::styled(top, theme.dim),
        Span::styled(format!("{above} "), theme.dim),
    ]);
    if selected { theme.select(line) } else { line }
}
