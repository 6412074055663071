//! The prompt of the type-ahead.

use tui_input::Input;

/// The prompt that moves the cursor of a list.
#[derive(Debug, Default)]
pub struct ListFind {
    /// The text.
    pub input: Input,
    /// The row of the cursor when the prompt was opened.
    pub start: usize,
}
