//! Accepted items: what to send, its position in the spool, and its attempts so far.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::customerio::Item;

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

/// Which part of an event an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// The event.
    Event,
    /// The person's attributes.
    Identify,
}

/// Where an item stands in the spool. The order of positions is the order of acceptance.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct SpoolPosition {
    /// The number of its chunk, from 1.
    pub chunk: u64,
    /// Its position in the chunk, from 0.
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
    pub position: SpoolPosition,
    /// Its attempts so far.
    pub history: History,
}

impl Queued {
    /// Which person it is about, hashed.
    pub fn person(&self) -> u64 {
        self.accepted.item.person
    }

    /// Whether it is the event itself, and not an identify beside it.
    pub fn is_event(&self) -> bool {
        self.accepted.part == Part::Event
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> usize {
        self.accepted.item.body.len()
    }
}
