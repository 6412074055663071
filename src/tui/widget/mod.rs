//! What several panes share.

pub mod json;
pub mod pane;
pub mod sparkline;
pub mod text;

use ratatui::Frame;
use ratatui::buffer::{Buffer, Cell};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::theme::Theme;

/// Says that the terminal is smaller than this, in columns and rows.
pub fn too_small(frame: &mut Frame<'_>, least: (u16, u16), theme: &Theme) {
    let area = frame.area();
    let says = format!("too small: {}×{} needed", least.0, least.1);
    let says = text::cut(&says, usize::from(area.width));
    frame.render_widget(Paragraph::new(Line::styled(says, theme.warn)), area);
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
