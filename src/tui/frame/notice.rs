//! Notices: messages to the operator, each for a few seconds, and no longer than its subject.

use std::mem::Discriminant;

use crate::delivery::BreakerState;
use crate::tui::frame::focus::InputContext;
use crate::tui::frame::popup::Popup;

/// Time that a notice stays visible, in milliseconds.
pub const NOTICE_MS: i64 = 6_000;

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The text.
    pub text: String,
    /// Whether it reports an error.
    pub is_error: bool,
    /// The subject: the notice disappears when the subject changes.
    pub subject: Subject,
    /// End of its display, by the clock of the snapshots.
    pub until_ms: i64,
}

/// The subject of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The place where a key was pressed: pane, overlay, popup, search and draft.
    Place,
    /// Whether the feed is down.
    Feed,
    /// Whether Customer.io is down.
    Destination,
    /// A finished task, which nothing can change.
    Done,
}

/// Everything that the subjects of notices depend on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Situation {
    pub(crate) place: (InputContext, Option<Discriminant<Popup>>, bool),
    pub(crate) is_feed_down: bool,
    pub(crate) breaker: Discriminant<BreakerState>,
}

impl Situation {
    /// Whether a subject differs between two situations.
    pub(crate) fn differs(&self, now: &Self, subject: Subject) -> bool {
        match subject {
            Subject::Place => self.place != now.place,
            Subject::Feed => self.is_feed_down != now.is_feed_down,
            Subject::Destination => self.breaker != now.breaker,
            Subject::Done => false,
        }
    }
}
