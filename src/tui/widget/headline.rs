//! A line of parts with a clock at its right end.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::widget::text;

/// A line of parts with a clock at its right end. If room is short, parts are left out from the
/// right, but not the clock.
pub fn headline(
    parts: impl IntoIterator<Item = (String, Style)>,
    clock: (String, Style),
    width: usize,
) -> Line<'static> {
    let mut room = width.saturating_sub(text::width(&clock.0));
    let mut spans = Vec::new();
    for (content, style) in parts {
        let needs = text::width(&content) + 2;
        if needs > room {
            break;
        }
        room -= needs;
        spans.push(Span::styled(content, style));
        spans.push(Span::raw("  "));
    }
    spans.push(Span::raw(" ".repeat(room)));
    spans.push(Span::styled(clock.0, clock.1));
    Line::from(spans)
}
