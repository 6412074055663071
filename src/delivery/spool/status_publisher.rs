//! Publishing the spool's state, and notices about it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::request::Published;
use super::spool::Spool;
use super::status::SpoolStatus;

/// Minimum time between two reads of the list of dead letters.
const LIST_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum rows of dead letters that are published: each may have a reason of its own, and no
/// screen could show more.
const MAX_ROWS: u32 = 500;

/// Publishes the spool's state and notices.
pub(super) struct StatusPublisher {
    published: watch::Sender<Published>,
    notices: mpsc::UnboundedSender<String>,
    /// Whether the operator was warned that the spool is nearly full.
    warned: bool,
    /// Whether the dead letters may differ from the published ones.
    is_stale: bool,
    /// When the dead letters were last read.
    listed: Option<Instant>,
}

impl StatusPublisher {
    pub(super) fn new(
        published: watch::Sender<Published>,
        notices: mpsc::UnboundedSender<String>,
    ) -> Self {
        Self {
            published,
            notices,
            warned: false,
            is_stale: true,
            listed: None,
        }
    }

    /// Sends a notice to the operator.
    pub(super) fn notify(&self, notice: String) {
        // The observer ends last.
        let _ = self.notices.send(notice);
    }

    /// Takes note that the dead letters have changed.
    pub(super) fn dead_letters_changed(&mut self) {
        self.is_stale = true;
    }

    /// Whether the spool is published as empty.
    pub(super) fn shows_empty(&self) -> bool {
        self.published.borrow().status.items == 0
    }

    /// Publishes the state, if it changed.
    pub(super) fn publish(&mut self, status: SpoolStatus, spool: &Spool, now: Instant) {
        let before = self.published.borrow().clone();
        self.notify_nearly_full(&status);
        self.notify_fault(&before.status, &status);
        self.is_stale |= status.dead_letters != before.status.dead_letters;
        let mut dead_letters = before.dead_letters.clone();
        if self.is_stale && self.listed.is_none_or(|at| now - at >= LIST_INTERVAL) {
            match spool.dead_letter_rows(MAX_ROWS) {
                Ok(rows) => dead_letters = Arc::new(rows),
                Err(error) => tracing::warn!("cannot read the dead letters: {error}"),
            }
            self.is_stale = false;
            self.listed = Some(now);
        }
        let current = Published {
            status,
            dead_letters,
        };
        if current != before {
            self.published.send_replace(current);
        }
    }

    fn notify_nearly_full(&mut self, status: &SpoolStatus) {
        if status.is_nearly_full() != self.warned {
            self.warned = status.is_nearly_full();
            if self.warned {
                self.notify(format!(
                    "the spool has reached {} % of its quota; at 100 % the feed is not read",
                    status.percent()
                ));
            }
        }
    }

    fn notify_fault(&self, before: &SpoolStatus, status: &SpoolStatus) {
        match (&before.fault, &status.fault) {
            (old, Some(fault)) if old.as_ref() != Some(fault) => self.notify(format!(
                "{fault}; the feed is not read until it can be written, nothing is lost"
            )),
            (Some(_), None) => self.notify("the spool can be written again".to_owned()),
            _ => {}
        }
    }
}
