//! A frame that holds no event: the reason, and the text around the fault, which is marked.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::Malformed;
use crate::privacy::mask::Privacy;
use crate::protocol::{Content, Record};
use crate::text::{counted, grouped};
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

/// A malformed part of a frame, and the text of it that is kept.
pub(crate) struct MalformedText<'m> {
    pub(crate) malformed: &'m Malformed,
    pub(crate) text: &'m str,
}

impl<'m> MalformedText<'m> {
    /// The malformed text of a record. None for an event.
    pub(crate) fn of(record: &'m Record, privacy: Option<Privacy>) -> Option<Self> {
        let Content::Malformed { malformed, text } = &record.content else {
            return None;
        };
        let text = if privacy.is_some() { "•••" } else { text };
        Some(Self { malformed, text })
    }

    /// The reason, and the text around the fault, in `rows` rows.
    pub(crate) fn lines(&self, width: usize, rows: usize, theme: &Theme) -> Vec<Line<'static>> {
        let malformed = self.malformed;
        let reason = format!(
            "byte {} of the frame: {}",
            grouped(malformed.at_byte as u64),
            malformed.why
        );
        let mut lines: Vec<Line<'_>> = text::wrap(&reason, width)
            .into_iter()
            .map(|line| Line::styled(format!(" {line}"), theme.bad))
            .collect();
        lines.push(Line::default());
        let fault = malformed.fault_in(self.text);
        let room = rows.saturating_sub(lines.len());
        lines.extend(around(self.text, fault, (width, room), theme));
        lines
    }
}

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    shown: &MalformedText<'_>,
    is_focused: bool,
    theme: &Theme,
) {
    let size = counted(shown.malformed.size_bytes as u64, "byte");
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both("Malformed", &size),
        is_focused,
        theme,
    );
    let width = usize::from(inside.width).saturating_sub(2).max(1);
    let rows = usize::from(inside.height);
    let lines = shown.lines(width, rows, theme);
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The text in rows of `width` columns, with a caret below the character at `fault`. If it has more
/// rows than `room`, those around the fault.
fn around(
    raw: &str,
    fault: usize,
    (width, room): (usize, usize),
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut rows = vec![String::new()];
    let (mut used, mut mark) = (0, None);
    for (at, c) in raw.char_indices() {
        let shown = text::visible(c).to_string();
        let columns = text::width(&shown);
        if used + columns > width {
            rows.push(String::new());
            used = 0;
        }
        if at >= fault && mark.is_none() {
            mark = Some((rows.len() - 1, used));
        }
        if let Some(row) = rows.last_mut() {
            row.push_str(&text::cut(&shown, columns));
        }
        used += columns;
        if c == '\n' {
            rows.push(String::new());
            used = 0;
        }
    }
    // A part that is cut off breaks after its last character.
    let (row, column) = mark.unwrap_or((rows.len() - 1, used));
    let mut lines: Vec<Line<'static>> = rows
        .into_iter()
        .map(|row| Line::styled(format!(" {row}"), theme.text))
        .collect();
    let caret = Line::from(Span::styled(
        format!("{}^", " ".repeat(column.min(width) + 1)),
        theme.bad,
    ));
    lines.insert(row + 1, caret);
    let first = row
        .saturating_sub(room / 2)
        .min(lines.len().saturating_sub(room));
    lines.into_iter().skip(first).take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(raw: &str, fault: usize, room: (usize, usize)) -> Vec<String> {
        let lines = around(raw, fault, room, &Theme::plain(false));
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_text_is_wrapped_and_the_fault_has_a_caret() {
        assert_eq!(
            drawn("{\"a\":1 x\"b\"}", 7, (8, 9)),
            [" {\"a\":1 x", "        ^", " \"b\"}"]
        );
        // Control characters are visible, and wide characters take their columns.
        assert_eq!(drawn("日\u{1b}[x", 4, (8, 9)), [" 日␛[x", "    ^"]);
        // Cut off, and empty.
        assert_eq!(drawn("[1,", 3, (8, 9)), [" [1,", "    ^"]);
        assert_eq!(drawn("", 0, (8, 9)), [" ", " ^"]);
        // If room is short, the fault stays visible.
        let long = "a".repeat(1_000);
        for fault in [0, 500, 999] {
            let lines = drawn(&long, fault, (10, 5));
            assert!(lines.len() == 5 && lines.iter().any(|line| line.contains('^')));
        }
    }
}
