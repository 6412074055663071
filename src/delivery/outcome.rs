//! The outcome of an attempt: for one event, and for all events of its request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

use super::item::Queued;

/// One try to deliver an event, as its trace shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the request went out.
    pub at_ms: UnixMs,
    /// How long the answer took.
    pub took_ms: u32,
    /// The answer in a word: `200`, `503`, `no answer`.
    pub answer: String,
    /// What the answer said, where it said anything.
    pub message: String,
    /// How many items the request carried.
    pub items: u32,
}

impl Attempt {
    /// Its share, for one event of the request, of what it takes in memory, in bytes.
    pub fn share_bytes(&self) -> usize {
        let whole = size_of::<Self>() + self.answer.len() + self.message.len();
        whole.div_ceil((self.items as usize).max(1))
    }
}

/// Why an event can't be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undelivered {
    /// All attempts are used up.
    Expired,
    /// Customer.io refuses it.
    Discarded,
    /// The disk gave back other bytes than were written.
    Damaged,
}

impl Undelivered {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Expired, Self::Discarded, Self::Damaged];

    /// The word for it.
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

/// What an answer meant for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is there.
    Delivered {
        /// Whether the first attempt did it.
        first_attempt: bool,
    },
    /// It will be tried again.
    Waiting {
        /// When, by the wall clock; not before this.
        next_ms: UnixMs,
    },
    /// It can't be delivered, and is kept.
    Undelivered {
        /// Why.
        why: Undelivered,
        /// Customer.io's word for it.
        reason: String,
        /// The field at fault.
        field: String,
        /// What the answer said of the item.
        message: String,
    },
}

/// What the dispatcher tells after each answer.
#[derive(Debug)]
pub struct Answered {
    /// The attempt, one for all events of the request.
    pub attempt: Arc<Attempt>,
    /// What it meant for each of them.
    pub settled: Vec<(Queued, Settled)>,
    /// What the operator should know beside that, if anything.
    pub notice: Option<String>,
}
