//! Getting accepted items to Customer.io: batched, in each person's order, again when it
//! fails, and never without a word.
//!
//! [`dispatch`] is the one task that owns everything here, so nothing is locked. Items wait
//! in [`lane::Lanes`]; a [`batch::Shipment`] takes the front of some lanes, which then stand
//! still until it is settled. What an answer means for a shipment is decided in
//! [`batch`], when to try again in [`retry`]. The items wait in memory, bounded by bytes:
//! where that is full, nothing more is taken and the feed is not read.

pub mod batch;
pub mod dispatch;
pub mod lane;
pub mod retry;

pub use dispatch::{Control, Dispatch, Settings};

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::customerio::Item;

/// An item on its way, and the event it belongs to.
#[derive(Debug, Clone)]
pub struct Queued {
    /// What to send.
    pub item: Item,
    /// The number of its event in this run.
    pub sequence: u64,
    /// Whether it is the event itself, or the identify that goes with it.
    pub part: Part,
    /// When its event was received.
    pub received_ms: UnixMs,
}

/// Which part of an event an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The event.
    Event,
    /// The person's attributes.
    Identify,
}

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

/// Why an event can't be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undelivered {
    /// All attempts are used up.
    Expired,
    /// Customer.io refuses it.
    Discarded,
}

impl std::fmt::Display for Undelivered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Expired => "expired",
            Self::Discarded => "discarded",
        })
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
        /// When, by the wall clock.
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
    },
}

/// What the dispatcher tells after each answer.
#[derive(Debug)]
pub struct Answered {
    /// The attempt, the same for all events of the request.
    pub attempt: Attempt,
    /// What it meant for each of them.
    pub settled: Vec<(Queued, Settled)>,
}

/// How delivery stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Items that wait for their turn.
    pub waiting: u64,
    /// Their size.
    pub waiting_bytes: u64,
    /// Requests that are out.
    pub in_flight: u32,
    /// Items in shipments that wait to be tried again.
    pub retrying: u64,
    /// When the next of them is tried.
    pub next_retry_ms: Option<UnixMs>,
    /// Why nothing is sent at all: the credentials are refused.
    pub halted: Option<String>,
    /// Until when Customer.io asked for quiet.
    pub throttled_until_ms: Option<UnixMs>,
    /// The server that answers, once it is known.
    pub server: Option<String>,
}

impl Standing {
    /// Whether nothing waits and nothing is out.
    pub fn is_idle(&self) -> bool {
        self.waiting == 0 && self.in_flight == 0 && self.retrying == 0
    }
}
