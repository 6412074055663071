//! The state of the list of watches.

use tui_input::Input;

use crate::filter::advice::{Advice, check};
use crate::filter::catalog::Catalog;
use crate::filter::{CompileError, Condition};

/// The list of watched conditions.
#[derive(Debug, Default)]
pub struct WatchList {
    /// The row of the cursor.
    pub row: usize,
    /// The open editor.
    pub editor: Option<WatchEditor>,
}

/// The editor of a watch.
#[derive(Debug)]
pub struct WatchEditor {
    /// The index of the edited watch. None for a new one.
    pub index: Option<usize>,
    /// The condition.
    pub when: Input,
    /// The error in the condition.
    pub error: Option<CompileError>,
    /// Advice on a condition that compiles.
    pub advice: Option<Advice>,
    /// The rate above which there is an alert, in events per second.
    pub above: Input,
    /// Whether the cursor is in the rate instead of the condition.
    pub in_above: bool,
}

impl WatchEditor {
    /// An editor for a new watch with this condition.
    pub fn new(when: &str) -> Self {
        Self {
            index: None,
            when: Input::new(when.to_owned()),
            error: Condition::compile(when).err(),
            advice: None,
            above: Input::default(),
            in_above: false,
        }
    }

    /// Checks the condition, also against the events of the catalog.
    pub fn check(&mut self, catalog: &Catalog) {
        (self.error, self.advice) = check(self.when.value(), catalog);
    }
}
