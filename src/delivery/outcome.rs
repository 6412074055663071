//! The outcome of an attempt: for one event, and for all events of its request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

use super::item::Queued;

/// An attempt to deliver an event, as its story shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the request was sent.
    pub at_ms: UnixMs,
    /// Time from the request to its answer, in milliseconds.
    pub took_ms: u32,
    /// The label of the answer: `200`, `503`, `no answer`.
    pub answer: String,
    /// The message of the answer; empty where it has none.
    pub message: String,
    /// Number of items in the request.
    pub items: u32,
}

impl Attempt {
    /// The memory that it takes, in bytes, divided by the events of the request.
    pub fn share_bytes(&self) -> usize {
        let whole = size_of::<Self>() + self.answer.len() + self.message.len();
        whole.div_ceil((self.items as usize).max(1))
    }
}

/// The reason why an event can't be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undelivered {
    /// All attempts are used up.
    Expired,
    /// Customer.io refuses it.
    Discarded,
    /// The disk returned other bytes than were written.
    Damaged,
}

impl Undelivered {
    /// All variants.
    pub const ALL: [Self; 3] = [Self::Expired, Self::Discarded, Self::Damaged];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Discarded => "discarded",
            Self::Damaged => "damaged",
        }
    }
}

impl std::fmt::Display for Undelivered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// The outcome of an attempt for one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Customer.io accepted it.
    Delivered {
        /// Whether this was the first attempt.
        first_attempt: bool,
    },
    /// It is tried again.
    Waiting {
        /// The earliest time, by the wall clock.
        next_ms: UnixMs,
    },
    /// It can't be delivered, and became a dead letter.
    Undelivered {
        /// The kind of failure.
        why: Undelivered,
        /// The reason, where possible in Customer.io's words.
        reason: String,
        /// The field at fault.
        field: String,
        /// The message of the answer.
        message: String,
    },
}

/// The report of the dispatcher after each request.
#[derive(Debug)]
pub struct DeliveryReport {
    /// The attempt, shared by all events of the request.
    pub attempt: Arc<Attempt>,
    /// The outcome of each item.
    pub outcomes: Vec<(Queued, ItemOutcome)>,
    /// A notice for the operator, if there is one.
    pub notice: Option<String>,
}
