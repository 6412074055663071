//! Incidents of the stream.

use crate::amplitude::time::UnixMs;
use crate::filter::Mode;
use crate::tui::frame::alert::AlertKind;

/// An incident with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The time.
    pub at_ms: UnixMs,
    /// The incident.
    pub incident: Incident,
}

/// The kinds of incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident {
    /// Other filters were applied.
    Filters,
    /// The gate was opened, shut, or put into dry run.
    Gate(Mode),
    /// The feed went down.
    FeedDown,
    /// The feed recovered.
    FeedLive,
    /// Customer.io went down, or refused the credentials.
    DeliveryDown,
    /// Customer.io recovered.
    DeliveryUp,
    /// An alert that is none of the outages above.
    Alert(AlertKind),
    /// An event with a bookmark was received.
    Bookmark,
}

/// All kinds of incidents. Alerts have names of their own.
pub const INCIDENTS: [Incident; 9] = [
    Incident::Filters,
    Incident::Gate(Mode::Open),
    Incident::Gate(Mode::Shut),
    Incident::Gate(Mode::DryRun),
    Incident::FeedDown,
    Incident::FeedLive,
    Incident::DeliveryDown,
    Incident::DeliveryUp,
    Incident::Bookmark,
];

impl Incident {
    /// Its letter on the time axis.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Filters => "f",
            Self::Gate(_) => "g",
            Self::FeedDown => "x",
            Self::FeedLive => "o",
            Self::DeliveryDown => "X",
            Self::DeliveryUp => "O",
            Self::Alert(_) => "!",
            Self::Bookmark => "b",
        }
    }

    /// Its description.
    pub fn description(self) -> &'static str {
        match self {
            Self::Filters => "filters changed",
            Self::Gate(Mode::Open) => "gate opened",
            Self::Gate(Mode::Shut) => "gate shut",
            Self::Gate(Mode::DryRun) => "dry run",
            Self::FeedDown => "feed down",
            Self::FeedLive => "feed live",
            Self::DeliveryDown => "delivery down",
            Self::DeliveryUp => "delivery up",
            Self::Alert(kind) => kind.title(),
            Self::Bookmark => "bookmark",
        }
    }
}
