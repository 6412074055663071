//! What several panes share.

pub mod json;
pub mod list;
pub mod pane;
pub mod sparkline;
pub mod text;

use ratatui::Frame;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::theme::Theme;

/// Says that the terminal is smaller than this, in columns and rows.
pub fn too_small(frame: &mut Frame<'_>, least: (u16, u16), theme: &Theme) {
    let area = frame.area();
    let says = format!("too small: {}×{} needed", least.0, least.1);
    let says = text::cut(&says, usize::from(area.width));
    frame.render_widget(Paragraph::new(Line::styled(says, theme.warn)), area);
}

/// A line of parts with a clock at its right end. The clock keeps its place; what has no room left
/// goes, from the right.
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

/// Puts ASCII characters in the place of the punctuation marks of ours that are none.
pub fn to_ascii(buffer: &mut Buffer) {
    buffer.content.iter_mut().for_each(plain);
}

fn plain(cell: &mut Cell) {
    let symbol = match cell.symbol() {
        "…" => "~",
        "–" | "—" | "−" => "-",
        "“" | "”" => "\"",
        "·" => ".",
        "×" => "x",
        "•" => "*",
        "←" => "<",
        "→" => ">",
        "↑" => "^",
        "↓" => "v",
        "µ" => "u",
        _ => return,
    };
    cell.set_symbol(symbol);
}
