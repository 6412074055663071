//! The state of the list of presets.

use tui_input::Input;

/// The list of presets.
#[derive(Debug, Default)]
pub struct Presets {
    /// The row of the cursor.
    pub row: usize,
    /// The preset that the others are compared with. None: the active filters.
    pub against: Option<String>,
    /// The open prompt.
    pub prompt: Option<Prompt>,
}

/// A prompt in the list.
#[derive(Debug)]
pub enum Prompt {
    /// The name for a new preset.
    Name(Input),
    /// The confirmation to delete a preset.
    Delete(String),
}
