//! The list of watches while it is open.

use tui_input::Input;

use crate::filter::{CompileError, Condition};

/// The conditions that are watched, while they are looked at.
#[derive(Debug, Default)]
pub struct WatchList {
    /// The row that the cursor is on.
    pub row: usize,
    /// The one that is written.
    pub editor: Option<WatchEditor>,
}

/// A watch that is written.
#[derive(Debug)]
pub struct WatchEditor {
    /// The one that it takes the place of; none for a new one.
    pub index: Option<usize>,
    /// Its condition.
    pub when: Input,
    /// What is wrong with it.
    pub error: Option<CompileError>,
    /// Above how many events a second it is an alert.
    pub above: Input,
    /// Whether that is what is written, and not the condition.
    pub in_above: bool,
}

impl WatchEditor {
    /// A new watch of this condition.
    pub fn new(when: &str) -> Self {
        Self {
            index: None,
            when: Input::new(when.to_owned()),
            error: Condition::compile(when).err(),
            above: Input::default(),
            in_above: false,
        }
    }
}
