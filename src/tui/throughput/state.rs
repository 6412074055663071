//! What happened to the stream, marked on its history.

use crate::amplitude::time::UnixMs;
use crate::filter::Mode;

/// Something that happened to the stream, told beside its course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// When.
    pub at_ms: UnixMs,
    /// What.
    pub what: Happened,
}

/// What can happen to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// Other filters came into force.
    Filters,
    /// The gate was opened, shut, or put into dry run.
    Gate(Mode),
    /// The feed went down.
    FeedDown,
    /// It came back.
    FeedLive,
    /// Customer.io went down, or refuses.
    DeliveryDown,
    /// It came back.
    DeliveryUp,
}

impl Happened {
    /// A letter for it, on the course.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Filters => "f",
            Self::Gate(_) => "g",
            Self::FeedDown => "x",
            Self::FeedLive => "o",
            Self::DeliveryDown => "X",
            Self::DeliveryUp => "O",
        }
    }

    /// What it is, in words.
    pub fn says(self) -> &'static str {
        match self {
            Self::Filters => "filters changed",
            Self::Gate(Mode::Open) => "gate opened",
            Self::Gate(Mode::Shut) => "gate shut",
            Self::Gate(Mode::DryRun) => "dry run",
            Self::FeedDown => "feed down",
            Self::FeedLive => "feed live",
            Self::DeliveryDown => "delivery down",
            Self::DeliveryUp => "delivery up",
        }
    }
}
