//! An item that waits for its batch.

use bytes::Bytes;
use tokio::time::Instant;

use crate::customerio::Route;
use crate::delivery::Queued;
use crate::delivery::batch::{Batch, SpoolRef};

/// An item that waits, and since when.
#[derive(Debug)]
pub(super) struct Waiting {
    /// When it was received, or came back.
    pub(super) since: Instant,
    pub(super) content: Content,
}

/// A waiting item, with or without its bytes.
#[derive(Debug)]
pub(super) enum Content {
    InMemory(Queued),
    Spooled(SpoolRef),
}

impl Waiting {
    pub(super) fn in_memory(queued: Queued, since: Instant) -> Self {
        Self {
            since,
            content: Content::InMemory(queued),
        }
    }

    /// Hash of the person it is about.
    pub(super) fn person(&self) -> u64 {
        match &self.content {
            Content::InMemory(queued) => queued.person(),
            Content::Spooled(spool_ref) => spool_ref.person,
        }
    }

    /// Bytes that it takes in a batch, with the comma behind it.
    pub(super) fn batch_bytes(&self) -> usize {
        let bytes = match &self.content {
            Content::InMemory(queued) => queued.bytes(),
            Content::Spooled(spool_ref) => spool_ref.bytes,
        };
        bytes + 1
    }

    /// Bytes that it holds in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        match &self.content {
            Content::InMemory(queued) => queued.bytes(),
            Content::Spooled(_) => 0,
        }
    }

    /// Whether it is sent in a request of its own.
    pub(super) fn is_alone(&self) -> bool {
        match &self.content {
            Content::InMemory(queued) => queued.accepted.item.route != Route::Batch,
            Content::Spooled(spool_ref) => spool_ref.alone,
        }
    }

    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.content, Content::InMemory(_))
    }

    /// The same item with bytes of its own: it may wait for long, and the block that its bytes share
    /// with others must not wait with it.
    pub(super) fn with_own_bytes(mut self) -> Self {
        if let Content::InMemory(queued) = &mut self.content {
            let body = &mut queued.accepted.item.body;
            *body = Bytes::copy_from_slice(body);
        }
        self
    }

    /// Drops its bytes. Returns how many.
    pub(super) fn drop_bytes(&mut self) -> usize {
        let Content::InMemory(queued) = &self.content else {
            return 0;
        };
        let bytes = queued.bytes();
        self.content = Content::Spooled(SpoolRef::of(queued));
        bytes
    }
}

/// The batch of these items, which are all in memory or all spooled.
pub(super) fn into_batch(items: Vec<Waiting>) -> Batch {
    let mut in_memory = Vec::with_capacity(items.len());
    let mut refs = Vec::new();
    for waiting in items {
        match waiting.content {
            Content::InMemory(queued) => in_memory.push(queued),
            Content::Spooled(spool_ref) => refs.push(spool_ref),
        }
    }
    if refs.is_empty() {
        Batch::InMemory(in_memory)
    } else {
        Batch::Spooled(refs)
    }
}
