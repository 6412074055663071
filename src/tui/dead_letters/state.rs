//! The state of the dead letters.

use std::collections::BTreeSet;

use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterGroup};

/// The dead letters, grouped by reason and event type.
#[derive(Debug, Default)]
pub struct DeadLetters {
    /// The row of the cursor.
    pub row: usize,
    /// The open group.
    pub opened: Option<OpenedGroup>,
    /// The newest dead letter of the group under the cursor, for the detail pane.
    pub newest: Option<Box<NewestOfGroup>>,
}

/// The newest dead letter of a group.
#[derive(Debug)]
pub struct NewestOfGroup {
    /// The group.
    pub group: DeadLetterGroup,
    /// The dead letter. None if the group has become empty.
    pub dead_letter: Option<DeadLetter>,
    /// The paths that are folded in its request.
    pub folded: BTreeSet<String>,
}

/// An open group of dead letters.
#[derive(Debug)]
pub struct OpenedGroup {
    /// The group: the common reason and type.
    pub group: DeadLetterGroup,
    /// The newest dead letters of the group. None while they are loaded.
    pub dead_letters: Option<Vec<DeadLetter>>,
    /// The index of the dead letter under the cursor.
    pub cursor: usize,
    /// The numbers of the selected dead letters.
    pub selected: BTreeSet<i64>,
    /// The line of the cursor in the request, if that is open.
    pub line: Option<usize>,
    /// The paths that are folded in the request.
    pub folded: BTreeSet<String>,
}

impl OpenedGroup {
    /// The dead letter under the cursor.
    pub fn at_cursor(&self) -> Option<&DeadLetter> {
        self.dead_letters.as_ref()?.get(self.cursor)
    }
}
