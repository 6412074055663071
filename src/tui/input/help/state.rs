//! The help while it is open.

use tui_input::Input;

/// The open help.
#[derive(Debug, Default)]
pub struct Help {
    /// The part that is shown. 0: all parts.
    pub part: usize,
    /// The text that is searched for.
    pub search: Input,
    /// Whether keys go into the search.
    pub is_searching: bool,
    /// Lines that the help is scrolled down.
    pub scroll: usize,
}
