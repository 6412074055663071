//! What needs the operator now: the gravest of what keeps the stream from going on.

use crate::amplitude::time::UnixMs;
use crate::delivery::breaker;
use crate::feed::FeedState;
use crate::protocol::Snapshot;

/// Something that needs the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// What.
    pub kind: Kind,
    /// Since when, by the snapshots' clock.
    pub since_ms: UnixMs,
}

/// What needs the operator, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The spool can't be written.
    SpoolFault,
    /// The spool has reached its quota.
    SpoolFull,
    /// Customer.io refuses the credentials.
    Refused,
    /// Customer.io is down.
    Down,
    /// The feed is down.
    FeedDown,
    /// The spool is nearly full.
    NearlyFull,
}

impl Kind {
    /// What needs the operator in this snapshot, if anything does.
    pub fn of(snapshot: &Snapshot) -> Option<Self> {
        let spool = &snapshot.standing.spool;
        let breaker = &snapshot.standing.breaker;
        if spool.fault.is_some() {
            Some(Self::SpoolFault)
        } else if spool.full {
            Some(Self::SpoolFull)
        } else if matches!(breaker, breaker::Standing::Refused { .. }) {
            Some(Self::Refused)
        } else if matches!(breaker, breaker::Standing::Open { .. }) {
            Some(Self::Down)
        } else if matches!(snapshot.feed.state, FeedState::Down { .. }) {
            Some(Self::FeedDown)
        } else if spool.is_nearly_full() {
            Some(Self::NearlyFull)
        } else {
            None
        }
    }

    /// Since when, where the pipeline says.
    pub fn since(self, snapshot: &Snapshot) -> Option<UnixMs> {
        match (self, &snapshot.standing.breaker) {
            (Self::Refused, breaker::Standing::Refused { since_ms, .. })
            | (Self::Down, breaker::Standing::Open { since_ms, .. }) => Some(*since_ms),
            _ => None,
        }
    }

    /// In a few words, for the terminal's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::SpoolFault => "SPOOL CAN'T BE WRITTEN",
            Self::SpoolFull => "SPOOL FULL",
            Self::Refused => "DELIVERY HALTED",
            Self::Down => "CUSTOMER.IO DOWN",
            Self::FeedDown => "FEED DOWN",
            Self::NearlyFull => "spool nearly full",
        }
    }

    /// What happened, in a sentence.
    pub fn says(self, snapshot: &Snapshot) -> String {
        let standing = &snapshot.standing;
        let why = standing.breaker.why().unwrap_or_default();
        match self {
            Self::SpoolFault => standing.spool.fault.clone().unwrap_or_default(),
            Self::SpoolFull => "the spool has reached its quota: the feed is not read".to_owned(),
            Self::Refused => why.to_owned(),
            Self::Down => format!("Customer.io is down, all events are kept: {why}"),
            Self::FeedDown => match &snapshot.feed.state {
                FeedState::Down { why, .. } => format!("the feed is down: {why}"),
                FeedState::Live | FeedState::Connecting => "the feed is down".to_owned(),
            },
            Self::NearlyFull => {
                let percent = standing.spool.percent();
                format!("the spool is {percent} % full; at 100 % the feed is not read")
            }
        }
    }

    /// The key that leads on, and to what.
    pub fn key(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Refused => Some(("g", "tries again")),
            Self::Down => Some(("T", "asks now")),
            Self::SpoolFull | Self::NearlyFull => Some(("l", "dead letters take room too")),
            Self::SpoolFault | Self::FeedDown => None,
        }
    }
}
