//! Accepted items: what to send, its position in the spool, and its attempts so far.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::customerio::Item;
use crate::feed::Origin;

/// An accepted item: the body to send, and the event it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The item to send.
    pub item: Item,
    /// The sequence number of its event in this run; 0 where the event is from an earlier run.
    pub sequence: u64,
    /// Whether it is the event itself, or the identify that belongs to it.
    pub part: Part,
    /// The event's type.
    pub event_type: Arc<str>,
    /// When the event happened.
    pub happened_ms: UnixMs,
    /// When it was received.
    pub received_ms: UnixMs,
    /// The place of its event in a shared stream, if it comes from one.
    pub origin: Option<Origin>,
}

/// The part of an event that an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// The event itself.
    Event,
    /// An identify with the person's attributes.
    Identify,
}

/// The position of an item in the spool. Positions are in order of acceptance.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct SpoolPosition {
    /// The number of its chunk, from 1.
    pub chunk: u64,
    /// Its index in the chunk, from 0.
    pub item: u32,
}

/// The attempts of an item so far, kept through a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// Number of requests that it was in.
    pub requests: u32,
    /// Number of them that failed and count as attempts: those of an outage do not.
    pub failures: u32,
    /// When the first one was sent, by the wall clock. For people: decisions use the monotonic
    /// clock.
    pub first_ms: Option<UnixMs>,
    /// Time spent on failed attempts and the delays after them, in milliseconds, without outages,
    /// pauses that the destination asked for, and time when this program did not run.
    #[serde(default)]
    pub tried_ms: u64,
}

/// An item in the spool that is not settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    /// The item.
    pub accepted: Accepted,
    /// Its position in the spool.
    pub position: SpoolPosition,
    /// Its attempts so far.
    pub history: History,
}

impl Queued {
    /// Hash of the person it is about.
    pub fn person(&self) -> u64 {
        self.accepted.item.person
    }

    /// Whether it is the event itself, and not an identify beside it.
    pub fn is_event(&self) -> bool {
        self.accepted.part == Part::Event
    }

    /// Size of its body in bytes.
    pub fn bytes(&self) -> usize {
        self.accepted.item.body.len()
    }
}
