//! The dead letters while they are open.

use std::collections::BTreeSet;

use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterGroup};

/// The dead letters: by reason and type, then those of a row, then one of these.
#[derive(Debug, Default)]
pub struct DeadLetters {
    /// The row that the cursor is on.
    pub row: usize,
    /// Those of a row that is opened.
    pub opened: Option<OpenedDeadLetters>,
}

/// The dead letters of one reason and type.
#[derive(Debug)]
pub struct OpenedDeadLetters {
    /// What they share.
    pub group: DeadLetterGroup,
    /// The newest of them; none while they are fetched.
    pub letters: Option<Vec<DeadLetter>>,
    /// The one that the cursor is on.
    pub cursor: usize,
    /// The line of its document that the cursor is on, where it is read.
    pub line: Option<usize>,
    /// What is folded of it, by path.
    pub folded: BTreeSet<String>,
}

impl OpenedDeadLetters {
    /// The letter that the cursor is on.
    pub fn letter(&self) -> Option<&DeadLetter> {
        self.letters.as_ref()?.get(self.cursor)
    }
}
