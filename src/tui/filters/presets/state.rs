//! The list of presets while it is open.

use tui_input::Input;

/// The presets while they are looked at.
#[derive(Debug, Default)]
pub struct Presets {
    /// The row that the cursor is on.
    pub row: usize,
    /// The preset that others are compared with; what is in force, where none is.
    pub against: Option<String>,
    /// What is asked.
    pub prompt: Option<Prompt>,
}

/// What the list of presets asks.
#[derive(Debug)]
pub enum Prompt {
    /// Under which name the filters are kept.
    Name(Input),
    /// Whether the preset is deleted.
    Delete(String),
}
