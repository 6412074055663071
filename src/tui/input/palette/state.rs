//! The palette while it is open.

use tui_input::Input;

/// The commands that match a few letters.
#[derive(Debug, Default)]
pub struct Palette {
    /// The typed letters.
    pub input: Input,
    /// The row of the cursor.
    pub row: usize,
}
