//! Replaces the Unicode punctuation of the screen by ASCII.

use ratatui::buffer::{Buffer, Cell};

/// Replaces the Unicode punctuation in a drawn screen.
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
