//! ASCII characters instead of punctuation marks beyond ASCII.

use ratatui::buffer::{Buffer, Cell};

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
