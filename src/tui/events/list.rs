//! The lists of events: which events of the ring the events pane shows.

use crate::filter::Decision;
use crate::protocol::{Outcome, Record};
use crate::tui::events::seek::{Direction, Seek};
use crate::tui::stages::stage::Stage;

/// A list of events, by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EventList {
    /// All events.
    #[default]
    All,
    /// Accepted events that are sent: on their way, delivered, or refused by Customer.io.
    Sent,
    /// Events that break a limit, that failed, or that are no events.
    Problems,
    /// Events that were filtered out.
    FilteredOut,
    /// Events at a stage of the pipeline.
    At(Stage),
}

impl EventList {
    /// The next list of the quick lists.
    #[must_use]
    pub fn next(&self) -> Self {
        match self {
            Self::All => Self::Sent,
            Self::Sent => Self::Problems,
            Self::Problems => Self::FilteredOut,
            Self::FilteredOut | Self::At(_) => Self::All,
        }
    }

    /// Whether a record is in the list.
    pub fn has(&self, record: &Record) -> bool {
        let story = &record.story;
        match self {
            Self::All => true,
            Self::Sent => {
                story.decision == Some(Decision::Accepted) && story.outcome != Outcome::DryRun
            }
            Self::Problems => {
                // The direction does not matter.
                let older = Direction::Older;
                Seek::Violation(older, None).is(record) || Seek::Failure(older).is(record)
            }
            Self::FilteredOut => story.is_filtered_out(),
            Self::At(stage) => stage.has(record),
        }
    }

    /// Whether an event can come into the list, or leave it, after its decision.
    pub fn follows_outcomes(&self) -> bool {
        match self {
            Self::All | Self::Sent | Self::FilteredOut => false,
            Self::Problems => true,
            Self::At(stage) => stage.follows_outcomes(),
        }
    }

    /// Its name, for the title of the events pane.
    pub fn name(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Sent => "sent".to_owned(),
            Self::Problems => "problems".to_owned(),
            Self::FilteredOut => "filtered out".to_owned(),
            Self::At(stage) => stage.description(),
        }
    }
}
