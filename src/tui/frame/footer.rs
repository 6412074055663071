//! The footer: the keys of the current context, or a prompt.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::frame::popup::Popup;
use crate::tui::state::State;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// The keys of the rule editor.
const EDITOR: [(&str, &str); 4] = [
    ("Enter", "apply"),
    ("Esc", "discard"),
    ("Tab", "complete, or next field"),
    ("↑", "earlier conditions"),
];

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let width = usize::from(area.width);
    if let Some((line, column)) = prompt(state, width, theme) {
        frame.render_widget(Paragraph::new(line), area);
        frame.set_cursor_position((area.x + column.min(area.width.saturating_sub(1)), area.y));
        return;
    }
    let keys: Vec<(&str, &str)> = match &state.popup {
        Some(Popup::Rule(_)) => EDITOR.to_vec(),
        // Whatever else is open names its own keys, and takes no others.
        Some(_) => Vec::new(),
        None => state
            .keymap
            .footer(state.input_context())
            .into_iter()
            .map(|binding| (binding.keys[0].as_str(), binding.footer))
            .collect(),
    };
    let mut spans = vec![Span::raw(" ")];
    let mut left = width.saturating_sub(1);
    for (key, message) in keys {
        let needs = text::width(key) + 1 + message.len() + 3;
        if needs > left + 3 {
            break;
        }
        left = left.saturating_sub(needs);
        spans.push(Span::styled(key, theme.key));
        spans.push(Span::styled(format!(" {message}   "), theme.dim));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// The prompt in the footer, and the column of its cursor.
fn prompt(state: &State, width: usize, theme: &Theme) -> Option<(Line<'static>, u16)> {
    let (sign, input, hint) = match &state.popup {
        Some(Popup::Find(input)) => {
            let hint = match &state.events.find {
                Some(find) => find.kind(),
                None => {
                    "text, a condition such as user_id == \"u-1\", or ~ and a regular expression"
                }
            };
            ("/", input, hint)
        }
        Some(Popup::ForTime(input)) => ("apply for ", input, "15min, 2h, 1day; then it is undone"),
        Some(Popup::GoTo(input)) => (
            "go to ",
            input,
            "14:02:31 (UTC), 2026-11-25 14:02, or an age such as 5min",
        ),
        _ => return None,
    };
    let room = width.saturating_sub(3 + sign.len());
    let scroll = input.visual_scroll(room);
    let typed: String = input.value().chars().skip(scroll).collect();
    let column = input.visual_cursor().saturating_sub(scroll) + 1 + sign.len();
    let typed = text::cut(&typed, room);
    let left = room.saturating_sub(text::width(&typed) + 3);
    let line = Line::from(vec![
        Span::styled(format!(" {sign}"), theme.key),
        Span::styled(typed, theme.text),
        Span::styled(format!("   {}", text::cut(hint, left)), theme.dim),
    ]);
    Some((line, column as u16))
}
