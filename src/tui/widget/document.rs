//! A JSON document in a pane, with a cursor and folding.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::widget::list::scroll;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{json, pane};

/// A document to draw.
pub(crate) struct Document<'d> {
    pub(crate) title: &'d str,
    /// The right title.
    pub(crate) right: String,
    pub(crate) lines: Vec<json::JsonLine>,
    /// The line of the cursor, if the pane has the focus.
    pub(crate) cursor: Option<usize>,
}

/// Draws a document. Marks the lines whose path is `at_fault`.
pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    document: &Document<'_>,
    at_fault: &dyn Fn(&str) -> bool,
    theme: &Theme,
) {
    let focused = document.cursor.is_some();
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(document.title, &document.right),
        focused,
        theme,
    );
    let lines = &document.lines;
    let rows = usize::from(inside.height);
    let cursor = document
        .cursor
        .unwrap_or(0)
        .min(lines.len().saturating_sub(1));
    let width = usize::from(inside.width).saturating_sub(1);
    let drawn: Vec<Line<'_>> = lines
        .iter()
        .enumerate()
        .skip(scroll(cursor, rows, lines.len()))
        .take(rows)
        .map(|(index, line)| {
            let at_fault = at_fault(&line.path);
            let sign = if at_fault {
                theme.sign(Sign::Warned)
            } else {
                " "
            };
            let mut drawn = line.draw(width, theme);
            drawn.spans.insert(0, Span::styled(sign, theme.bad));
            if at_fault {
                drawn = drawn.patch_style(theme.bad);
            }
            if focused && index == cursor {
                theme.select(drawn)
            } else {
                drawn
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(drawn), inside);
}
