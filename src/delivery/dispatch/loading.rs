//! Taking items from the spool: as they are committed, or later where memory is full.

use std::time::Duration;

use tokio::time::Instant;

use crate::amplitude::time::{self, UnixMs};
use crate::delivery::Queued;
use crate::delivery::batch::{Batch, SpoolRef};
use crate::delivery::pending::{PendingBatch, Streak};
use crate::delivery::spool::writer::SpoolEvent;

use super::dispatcher::Dispatch;

/// Bytes of chunks that are read back at a time.
const LOAD_BYTES: u64 = 2 << 20;

impl Dispatch {
    pub(super) fn handle(&mut self, event: SpoolEvent) {
        match event {
            SpoolEvent::Committed { chunk, items } => {
                // A chunk without room is read back later, and so are those behind it.
                let is_next = !self.loading && chunk == self.loaded + 1;
                self.newest = self.newest.max(chunk);
                if is_next && self.has_room() {
                    self.loaded = chunk;
                    items.into_iter().for_each(|queued| self.push(queued));
                }
            }
            SpoolEvent::Loaded { items, last_chunk } => {
                self.loading = false;
                self.loaded = self.loaded.max(last_chunk);
                self.push_loaded(items);
            }
            SpoolEvent::Ended => self.ended = true,
        }
    }

    /// Queues items of an earlier run. A retry waits for its time, and the person's later items
    /// wait behind it; it overtakes none of their items that are due earlier.
    fn push_loaded(&mut self, items: Vec<(Queued, Option<UnixMs>)>) {
        if items.iter().all(|(_, not_before)| not_before.is_none()) {
            items.into_iter().for_each(|(queued, _)| self.push(queued));
            return;
        }
        let (now, now_ms) = (Instant::now(), time::now());
        let mut ahead = self.queues.sendable_people();
        for (queued, not_before) in items {
            let person = queued.person();
            let wait_ms = not_before.map_or(0, |at| at - now_ms).max(0).unsigned_abs();
            // A clock that was set back must not delay it for ever.
            let wait = Duration::from_millis(wait_ms).min(self.settings.retry.longest_delay);
            let is_first = !ahead.contains(&person);
            if !wait.is_zero() && is_first && self.queues.block(person) {
                let pending = PendingBatch {
                    batch: Batch::Spooled(vec![SpoolRef::of(&queued)]),
                    streak: Streak::default(),
                };
                self.retries.schedule(pending, now + wait);
            } else {
                ahead.insert(person);
                self.push(queued);
            }
        }
    }

    fn push(&mut self, queued: Queued) {
        let (now, now_ms) = (Instant::now(), time::now());
        let age = (now_ms - queued.accepted.received_ms).max(0).unsigned_abs();
        let age = Duration::from_millis(age).min(self.settings.batch_age);
        self.queues
            .push(queued, now.checked_sub(age).unwrap_or(now));
    }

    fn has_room(&self) -> bool {
        self.queues.memory_bytes() + self.outstanding_bytes < self.settings.queue_bytes
    }

    /// Reads chunks back from the spool, where there are any and memory has room.
    pub(super) fn load_more(&mut self) {
        if !self.loading && self.loaded < self.newest && self.has_room() {
            self.loading = true;
            self.spool.load(self.loaded, LOAD_BYTES);
        }
    }
}
