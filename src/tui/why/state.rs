//! The state of a question.

use crate::protocol::Record;
use crate::tui::why::query::Answer;

/// An asked question.
#[derive(Debug)]
pub struct OpenedWhy {
    /// The question: an ID, an e-mail address, an event's name, or an ID and a name.
    pub asked: String,
    /// The answer. None while it is looked for.
    pub answer: Option<Box<Answer>>,
    /// The event under the cursor of the timeline. None: the newest.
    pub cursor: Option<u64>,
}

impl OpenedWhy {
    /// The row of the cursor in the timeline.
    pub fn row(&self) -> usize {
        let Some(answer) = &self.answer else { return 0 };
        let is_cursor = |record: &Record| Some(record.sequence) == self.cursor;
        let row = answer.timeline.iter().position(is_cursor);
        row.unwrap_or(answer.timeline.len().saturating_sub(1))
    }

    /// The event under the cursor.
    pub fn selected(&self) -> Option<&Record> {
        self.answer.as_ref()?.timeline.get(self.row())
    }
}
