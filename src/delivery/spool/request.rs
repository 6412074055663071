//! What is said between the thread that owns the spool and everybody else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::amplitude::time::UnixMs;
use crate::delivery::{Accepted, History, Queued, SpoolPosition};

use super::SpoolRow;
use super::dead_letters::{DeadLetter, LetterRow};

/// The figures of the spool; settings under `[spool]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// At this size, dead letters included, the feed is not read, in bytes.
    pub quota_bytes: u64,
    /// A commit is made at this size, in bytes.
    pub commit_bytes: usize,
    /// A commit is made when its oldest item has waited this long.
    pub commit_age: Duration,
    /// Dead letters leave after this time; never where it is zero.
    pub keep_dead_letters: Duration,
}

/// What a few frames brought.
pub struct Append {
    /// What was accepted of it.
    pub accepted: Vec<Accepted>,
    /// The feed's last message in it.
    pub message: Option<Arc<str>>,
    /// Called once it is durable.
    pub then: Box<dyn FnOnce() + Send>,
}

impl std::fmt::Debug for Append {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Append")
            .field("accepted", &self.accepted.len())
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

/// What became of some items.
#[derive(Debug, Default)]
pub struct Settlement {
    /// Those that are delivered.
    pub settled: Vec<SpoolPosition>,
    /// Those that will be tried again, with their attempts.
    pub rescheduled: Vec<(SpoolPosition, History)>,
    /// When these are tried again at the earliest.
    pub next_ms: UnixMs,
    /// Those that can't be delivered, with their letters.
    pub dead_letters: Vec<(SpoolPosition, DeadLetter)>,
}

/// What the spool tells whoever delivers.
#[derive(Debug)]
pub enum SpoolEvent {
    /// These are durable now.
    Committed {
        /// The number of their chunk.
        chunk: u64,
        /// What is in it.
        items: Vec<Queued>,
    },
    /// These were read back.
    Loaded {
        /// What is in the chunks, and when each may be tried again at the earliest.
        items: Vec<(Queued, Option<UnixMs>)>,
        /// The number of the last chunk that was read.
        upto: u64,
    },
    /// Nothing more will be appended.
    Ended,
}

pub(super) enum Request {
    Append(Append),
    Settle(Settlement),
    Read(Read),
    Retune(Settings),
    End,
    Close,
}

/// Something to be read back.
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

/// What is published of a spool.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Published {
    /// How it stands.
    pub row: SpoolRow,
    /// Its dead letters, by reason and type.
    pub letters: Arc<Vec<LetterRow>>,
}
