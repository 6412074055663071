//! The state of a question to Customer.io.

use crate::tui::customerio::about::AskedAbout;
use crate::tui::customerio::query::{CustomerIoAnswer, Entry};

/// An open question to Customer.io.
#[derive(Debug)]
pub struct OpenedCustomerIo {
    /// The question.
    pub about: AskedAbout,
    /// The answer, or why there is none. None while Customer.io is asked.
    pub answer: Option<Result<Box<CustomerIoAnswer>, String>>,
    /// The row of the cursor in the timeline. None: the newest.
    pub row: Option<usize>,
}

impl OpenedCustomerIo {
    /// A question that is being asked.
    pub fn new(about: AskedAbout) -> Self {
        Self {
            about,
            answer: None,
            row: None,
        }
    }

    /// The answer, if there is one.
    pub fn found(&self) -> Option<&CustomerIoAnswer> {
        self.answer.as_ref()?.as_deref().ok()
    }

    /// The last row of the timeline.
    pub fn last_row(&self) -> usize {
        let rows = self.found().map_or(0, |found| found.timeline.len());
        rows.saturating_sub(1)
    }

    /// The row of the cursor.
    pub fn cursor(&self) -> usize {
        let last = self.last_row();
        self.row.unwrap_or(last).min(last)
    }

    /// The event of this forwarder under the cursor.
    pub fn selected(&self) -> Option<u64> {
        match self.found()?.timeline.get(self.cursor())? {
            Entry::Here(record) => Some(record.sequence),
            Entry::There(_) => None,
        }
    }
}
