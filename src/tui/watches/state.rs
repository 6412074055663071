//! The state of the list of watches.

use tui_input::Input;

use crate::filter::advice::{Advice, check};
use crate::filter::catalog::Catalog;
use crate::filter::{CompileError, Condition};
use crate::tui::widget::condition_input::ConditionInput;

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
    pub when: ConditionInput,
    /// The error in the condition.
    pub error: Option<CompileError>,
    /// Advice on a condition that compiles.
    pub advice: Option<Advice>,
    /// The rate above which there is an alert, in events per second.
    pub above: Input,
    /// The name.
    pub name: Input,
    /// The field with the cursor.
    pub field: WatchField,
}

/// A field of the editor, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchField {
    /// The condition.
    When,
    /// The rate above which there is an alert.
    Above,
    /// The name.
    Name,
}

impl WatchField {
    /// The next field, from the last to the first.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::When => Self::Above,
            Self::Above => Self::Name,
            Self::Name => Self::When,
        }
    }
}

impl WatchEditor {
    /// An editor for a new watch with this condition.
    pub fn new(when: &str) -> Self {
        Self {
            index: None,
            when: ConditionInput::new(when.to_owned()),
            error: Condition::compile(when).err(),
            advice: None,
            above: Input::default(),
            name: Input::default(),
            field: WatchField::When,
        }
    }

    /// Checks the condition, also against the events of the catalog.
    pub fn check(&mut self, catalog: &Catalog) {
        (self.error, self.advice) = check(self.when.value(), catalog);
    }
}
