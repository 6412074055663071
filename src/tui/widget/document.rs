//! A JSON document in a pane, with a cursor and folding.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::widget::list::visible;
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
    let rows = Rows {
        lines: &document.lines,
        cursor: document.cursor,
        at_fault,
    };
    let width = usize::from(inside.width).saturating_sub(1);
    let drawn = rows.draw(width, usize::from(inside.height), theme);
    frame.render_widget(Paragraph::new(drawn), inside);
}

/// The lines of a document.
pub(crate) struct Rows<'d> {
    pub(crate) lines: &'d [json::JsonLine],
    /// The line of the cursor, if the document has the focus.
    pub(crate) cursor: Option<usize>,
    /// Whether the value at a path is at fault: its line is marked.
    pub(crate) at_fault: &'d dyn Fn(&str) -> bool,
}

impl Rows<'_> {
    /// Draws `count` lines with the cursor among them.
    pub(crate) fn draw(&self, width: usize, count: usize, theme: &Theme) -> Vec<Line<'static>> {
        let cursor = self.cursor.unwrap_or(0);
        let cursor = cursor.min(self.lines.len().saturating_sub(1));
        let line = |(index, line): (usize, &json::JsonLine)| {
            let at_fault = (self.at_fault)(&line.path);
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
            if self.cursor.is_some() && index == cursor {
                theme.select(drawn)
            } else {
                drawn
            }
        };
        visible(self.lines, cursor, count).map(line).collect()
    }
}
