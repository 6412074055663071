//! Getting accepted items to Customer.io: durable first, then batched, in each person's order,
//! again when it fails, and never without a word.
//!
//! # The promise
//!
//! From the moment an event is accepted it is delivered at least once, and with its
//! deterministic id effectively once; or it is a dead letter that someone can see.
//!
//! An event counts as accepted, and the feed is told that it is safe, only when the [`spool`]
//! has it on disk. It leaves the spool only when Customer.io has taken it, or together with its
//! dead letter, in one step. Between these two moments nothing ends it: not an attempt that
//! fails, not a process that is killed, not a disk that is full, not an outage. What may happen
//! is that an answer arrives and the process ends before that is written down: then the event
//! is sent once more, under the same id, which Customer.io ignores.
//!
//! # Who does what
//!
//! [`dispatch`] is the one task that decides what is sent, so nothing is locked. Items wait in
//! [`lane::Lanes`], those of a person one behind the other. What an answer means for the items
//! is decided in [`batch`], when they are tried again in [`retry`]; what it means for the
//! destination as a whole in [`breaker`] and [`rate`]. Memory is bounded by bytes: what doesn't
//! fit waits in the spool alone, and is read back when there is room.

pub mod batch;
pub mod breaker;
pub mod cargo;
pub mod dispatch;
pub mod lane;
pub mod rate;
pub mod retries;
pub mod retry;
pub mod spool;

pub use dispatch::{Control, Dispatch, Settings};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::customerio::Item;

use breaker::Standing as BreakerStanding;
use spool::SpoolRow;

/// An item that was accepted: what to send, and the event it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// What to send.
    pub item: Item,
    /// The number of its event in this run; 0 where the event came in an earlier one.
    pub sequence: u64,
    /// Whether it is the event itself, or the identify that goes with it.
    pub part: Part,
    /// The event's type.
    pub event_type: Arc<str>,
    /// When the event happened.
    pub happened_ms: UnixMs,
    /// When it was received.
    pub received_ms: UnixMs,
}

/// Where an item stands in the spool. The order of places is the order of acceptance.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Place {
    /// The number of its chunk, from 1.
    pub chunk: u64,
    /// Its place in the chunk, from 0.
    pub item: u32,
}

/// What became of an item's attempts so far. It is kept through a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// Requests that carried it.
    pub requests: u32,
    /// Those of them that failed and count as attempts: not those of an outage.
    pub failures: u32,
    /// When the first one went out, by the wall clock, if one did: to be looked at, not reckoned
    /// with.
    pub first_ms: Option<UnixMs>,
    /// The time spent on attempts that failed and on the delays after them, in milliseconds.
    /// Time in which the destination was down or asked for quiet, or in which this program did
    /// not run, is not part of it.
    #[serde(default)]
    pub tried_ms: u64,
}

/// An item in the spool, on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    /// What was accepted.
    pub accepted: Accepted,
    /// Where the spool has it.
    pub place: Place,
    /// Its attempts so far.
    pub history: History,
}

impl Queued {
    /// Which person it is about, hashed.
    pub fn person(&self) -> u64 {
        self.accepted.item.person
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> usize {
        self.accepted.item.body.len()
    }
}

/// Which part of an event an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// How delivery stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// What is accepted and not delivered, on disk.
    pub spool: SpoolRow,
    /// Requests that are out.
    pub in_flight: u32,
    /// Items that wait to be tried again.
    pub retrying: u64,
    /// When the next of them is tried.
    pub next_retry_ms: Option<UnixMs>,
    /// Whether the destination as a whole takes requests.
    pub breaker: BreakerStanding,
    /// Until when Customer.io asked for quiet.
    pub throttled_until_ms: Option<UnixMs>,
    /// Requests a second that Customer.io is believed to take.
    pub rate: f64,
    /// The most that the settings allow.
    pub rate_limit: u32,
    /// Whether nothing is sent because the gate is not open.
    pub held: bool,
    /// The server that answers, once it is known.
    pub server: Option<String>,
}

impl Standing {
    /// Whether nothing waits and nothing is out.
    pub fn is_idle(&self) -> bool {
        self.spool.items == 0 && self.in_flight == 0
    }
}
