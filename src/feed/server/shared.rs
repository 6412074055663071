//! The state that a server shares with its client sessions and its log thread.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use crate::amplitude::time;
use crate::log_limit::LogLimit;

use super::lock::lock;
use super::log_writer::LogWriter;
use super::message::with_id;
use super::options::Options;
use super::ring::Ring;

/// Maximum messages that a client may be behind before publishing waits for it.
const MAX_BEHIND: u64 = 1_000;

/// The state that a server shares with its client sessions and its log thread.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    ring: Mutex<Ring>,
    /// The log on disk, if there is one.
    pub(super) log: Option<LogWriter>,
    /// Incremented after each publication, and at the end.
    pub(super) published: watch::Sender<u64>,
    /// Incremented when a client connects, disconnects or receives messages.
    pub(super) progress: watch::Sender<u64>,
    pub(super) log_limit: Arc<LogLimit>,
}

impl Shared {
    pub(super) fn new(options: Options, ring: Ring, log: Option<LogWriter>) -> Self {
        Self {
            options,
            ring: Mutex::new(ring),
            log,
            published: watch::Sender::new(0),
            progress: watch::Sender::new(0),
            log_limit: LogLimit::start(),
        }
    }

    pub(super) fn ring(&self) -> MutexGuard<'_, Ring> {
        lock(&self.ring)
    }

    /// Whether the clients are close enough to the newest message for one more.
    pub(super) fn can_publish(&self) -> bool {
        self.ring().has_room(&self.options, MAX_BEHIND)
    }

    /// Publishes an event in memory. The ring stays locked, so that its order is that of the ids.
    pub(super) fn publish(&self, event: &str) {
        let mut ring = self.ring();
        let id = ring.next_id();
        ring.push(id, with_id(event, id), &self.options);
        drop(ring);
        self.notify_published();
    }

    pub(super) fn notify_published(&self) {
        self.published.send_modify(|n| *n += 1);
    }

    pub(super) fn notify_progress(&self) {
        self.progress.send_modify(|n| *n += 1);
    }

    /// Records that a client connected or disconnected: its position is kept for longer.
    pub(super) fn touch_client(&self, name: &str) {
        let position = self.ring().touch_client(name, time::now());
        if let (Some(log), Some(position)) = (&self.log, position) {
            log.write_position(name.to_owned(), Some(position));
        }
    }

    /// Forgets the positions of clients that were not seen for long, or are too many.
    pub(super) fn forget_clients(&self) {
        let forgotten = self.ring().forget_clients(time::now());
        forgotten.log();
        for name in forgotten.names() {
            if let Some(log) = &self.log {
                log.write_position(name, None);
            }
        }
    }
}
