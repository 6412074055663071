//! Items that are sent in one request, with their bytes or as references into the spool.

use crate::customerio::Route;

use super::{History, Queued, SpoolPosition};

/// Items that are sent together.
#[derive(Debug, Clone, PartialEq)]
pub enum Batch {
    /// Items with their bytes.
    InMemory(Vec<Queued>),
    /// Items whose bytes are in the spool only.
    Spooled(Vec<SpoolRef>),
}

/// An item whose bytes are in the spool only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolRef {
    /// Its position in the spool.
    pub position: SpoolPosition,
    /// Hash of the person it is about.
    pub person: u64,
    /// Its size in bytes.
    pub bytes: usize,
    /// Whether it is sent in a request of its own, by v1.
    pub alone: bool,
    /// Its attempts so far.
    pub history: History,
}

impl SpoolRef {
    /// References an item whose bytes are dropped.
    pub fn of(queued: &Queued) -> Self {
        Self {
            position: queued.position,
            person: queued.person(),
            bytes: queued.bytes(),
            alone: queued.accepted.item.route != Route::Batch,
            history: queued.history,
        }
    }
}

impl Batch {
    /// Drops the bytes: they are read back from the spool.
    #[must_use]
    pub fn spooled(self) -> Self {
        match self {
            Self::InMemory(items) => Self::Spooled(items.iter().map(SpoolRef::of).collect()),
            Self::Spooled(refs) => Self::Spooled(refs),
        }
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        match self {
            Self::InMemory(items) => items.len(),
            Self::Spooled(refs) => refs.len(),
        }
    }

    /// Bytes that it holds in memory.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::InMemory(items) => items.iter().map(Queued::bytes).sum(),
            Self::Spooled(_) => 0,
        }
    }

    /// Calls `change` with the position and history of each item.
    pub fn each_history(&mut self, mut change: impl FnMut(SpoolPosition, &mut History)) {
        match self {
            Self::InMemory(items) => items
                .iter_mut()
                .for_each(|q| change(q.position, &mut q.history)),
            Self::Spooled(refs) => refs
                .iter_mut()
                .for_each(|r| change(r.position, &mut r.history)),
        }
    }
}
