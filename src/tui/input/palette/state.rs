//! The palette while it is open.

use tui_input::Input;

/// What can be done, found by a few letters.
#[derive(Debug, Default)]
pub struct Palette {
    /// The letters.
    pub input: Input,
    /// The row that the cursor is on.
    pub row: usize,
}
