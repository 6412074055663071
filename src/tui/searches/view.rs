//! The list of saved searches, and the editor of one.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::events::find::Find;
use crate::tui::frame::focus::PopupKind;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::searches::state::{Search, SearchEditor, SearchList};
use crate::tui::state::State;
use crate::tui::widget::list::visible;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Rows of the editor.
const EDITOR_ROWS: usize = 3;
/// Columns before the value of a field.
const LABEL: usize = 11;

/// The area of the popup.
pub(crate) fn area_of(area: Rect, list: &SearchList, state: &State) -> Rect {
    let columns = 96.min(area.width.saturating_sub(2));
    let editor = list.editor.as_ref().map_or(0, |_| EDITOR_ROWS);
    let rows = (state.searches.len() + editor + 2).max(7) as u16;
    pane::centred(area, columns, rows.min(area.height.saturating_sub(2)))
}

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    list: &SearchList,
    state: &State,
    theme: &Theme,
) {
    let room = area_of(area, list, state);
    let keys = keys(list, state);
    let title = pane::Title::both("Saved searches", &keys);
    let inside = pane::frame(frame, room, title, true, theme);
    let width = usize::from(inside.width);
    let editor_rows = list.editor.as_ref().map_or(0, |_| EDITOR_ROWS);
    let height = usize::from(inside.height).saturating_sub(editor_rows);
    let mut lines = Vec::new();
    if state.searches.is_empty() && list.editor.is_none() {
        let new = Command::InPopup(PopupCommand::New);
        let new = state.keymap.popup_key(new, PopupKind::List);
        let message = format!(" no saved search yet: {new} writes one");
        lines.push(Line::styled(message, theme.dim));
    }
    let shown = visible(&state.searches, list.row, height);
    lines.extend(shown.map(|(index, search)| {
        let line = row(search, width, theme);
        if list.editor.is_none() && index == list.row {
            line.patch_style(theme.selected)
        } else {
            line
        }
    }));
    if let Some(editor) = &list.editor {
        lines.resize(height, Line::default());
        lines.extend(fields(editor, width, theme));
        let (row, input) = if editor.in_text {
            (1, &editor.text)
        } else {
            (0, &editor.name)
        };
        let room = width.saturating_sub(LABEL + 1);
        let column = input.visual_cursor() - input.visual_scroll(room);
        let column = (LABEL + column).min(width.saturating_sub(1)) as u16;
        frame.set_cursor_position((inside.x + column, inside.y + height as u16 + row));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

fn keys(list: &SearchList, state: &State) -> String {
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

fn row(search: &Search, width: usize, theme: &Theme) -> Line<'static> {
    let name = (width / 3).min(30);
    let kind = Find::parse(&search.text).map_or_else(String::new, |f| f.kind().to_owned());
    let kind = text::fit_right(&kind, 19);
    let room = width.saturating_sub(name + 22);
    Line::from(vec![
        Span::styled(
            format!(" {} ", text::fit(search.label(), name)),
            theme.accent,
        ),
        Span::styled(text::fit(&search.text, room), theme.text),
        Span::styled(format!("{kind} "), theme.dim),
    ])
}

fn fields(editor: &SearchEditor, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let room = width.saturating_sub(LABEL + 1);
    let field = |focused: bool, name: &str, input: &tui_input::Input| {
        let (cursor, style) = if focused {
            (theme.sign(Sign::Cursor), theme.accent)
        } else {
            (" ", theme.text)
        };
        let scroll = input.visual_scroll(room);
        let shown: String = input.value().chars().skip(scroll).collect();
        Line::from(vec![
            Span::styled(format!(" {cursor} "), theme.key),
            Span::styled(format!("{name:<8}"), theme.dim),
            Span::styled(text::cut(&shown, room), style),
        ])
    };
    let find = Find::parse(editor.text.value());
    let (verdict, style) = match &find {
        None => (
            "text, a condition, or ~ and a regular expression",
            theme.dim,
        ),
        Some(find) if find.error().is_some() => (find.kind(), theme.bad),
        Some(find) => (find.kind(), theme.good),
    };
    let verdict = format!("{}{}", " ".repeat(LABEL), text::cut(verdict, room));
    vec![
        field(!editor.in_text, "name", &editor.name),
        field(editor.in_text, "search", &editor.text),
        Line::styled(verdict, style),
    ]
}
