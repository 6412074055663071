//! The messages between the spool's thread and everybody else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::amplitude::time::UnixMs;
use crate::delivery::{Accepted, History, Queued, SpoolPosition};
use crate::feed::Origin;

use super::dead_letter::{DeadLetter, DeadLetterRow};
use super::status::SpoolStatus;

/// Settings of the spool, from `[spool]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SpoolSettings {
    /// Size at which the feed is no longer read, in bytes; dead letters count too.
    pub quota_bytes: u64,
    /// A commit is made at this size, in bytes.
    pub commit_bytes: usize,
    /// A commit is made when its oldest item has waited this long.
    pub commit_age: Duration,
    /// Dead letters are removed after this time; never where it is zero.
    pub keep_dead_letters: Duration,
}

/// The accepted items of a few frames.
pub struct Append {
    /// The items.
    pub accepted: Vec<Accepted>,
    /// The feed's last message among the frames.
    pub message: Option<Arc<str>>,
    /// The messages of a shared stream whose events are all judged. Those without an item here, or in an
    /// earlier request, are settled.
    pub received: Vec<Origin>,
    /// Called once the items are durable.
    pub on_durable: Box<dyn FnOnce() + Send>,
}

impl std::fmt::Debug for Append {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Append")
            .field("accepted", &self.accepted.len())
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

/// The outcomes of items.
#[derive(Debug, Default)]
pub struct Settlement {
    /// Items that are delivered.
    pub settled: Vec<SpoolPosition>,
    /// Items that are tried again, with their attempts.
    pub rescheduled: Vec<(SpoolPosition, History)>,
    /// When these are tried again at the earliest.
    pub next_ms: UnixMs,
    /// Items that can't be delivered, with their dead letters.
    pub dead_letters: Vec<(SpoolPosition, DeadLetter)>,
}

/// An event of the spool, for the dispatcher.
#[derive(Debug)]
pub enum SpoolEvent {
    /// Items became durable.
    Committed {
        /// The number of their chunk.
        chunk: u64,
        /// The items.
        items: Vec<Queued>,
    },
    /// Chunks were read back.
    Loaded {
        /// Their items, and when each may be tried again at the earliest.
        items: Vec<(Queued, Option<UnixMs>)>,
        /// The number of the last chunk that was read.
        last_chunk: u64,
    },
    /// No more items will be appended.
    Ended,
}

/// A request to the spool's thread.
pub(super) enum Request {
    Append(Append),
    Settle(Settlement),
    Read(Read),
    Configure(SpoolSettings),
    /// Forget the items of a partition that this process no longer holds.
    Release {
        partition: u16,
        holding: u32,
    },
    /// Nothing more is appended.
    End,
    Close,
}

/// Items to read back.
pub(super) enum Read {
    Chunks {
        after: u64,
        bytes: u64,
    },
    Items {
        positions: Vec<(SpoolPosition, History)>,
        reply: oneshot::Sender<Vec<Queued>>,
    },
}

/// The published state of a spool.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Published {
    /// Its counts, quota and faults.
    pub status: SpoolStatus,
    /// Its dead letters, by reason and type.
    pub dead_letters: Arc<Vec<DeadLetterRow>>,
}
