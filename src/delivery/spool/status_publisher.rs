//! What the spool's thread tells the operator: how the spool stands, and what has happened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::request::Published;
use super::{Spool, SpoolRow};

/// Dead letters are listed anew at most this often.
const LIST: Duration = Duration::from_secs(1);

/// So many rows of them are published: where each has a reason of its own, a screen could show
/// no more.
const ROWS: u32 = 500;

/// Where it is told.
pub(super) struct StatusPublisher {
    publish: watch::Sender<Published>,
    notices: mpsc::UnboundedSender<String>,
    /// Whether it was told that the spool is nearly full.
    warned: bool,
    /// Whether there may be other dead letters than those that are published.
    stale: bool,
    listed: Option<Instant>,
}

impl StatusPublisher {
    pub(super) fn new(
        publish: watch::Sender<Published>,
        notices: mpsc::UnboundedSender<String>,
    ) -> Self {
        Self {
            publish,
            notices,
            warned: false,
            stale: true,
            listed: None,
        }
    }

    /// Tells the operator something.
    pub(super) fn tell(&self, notice: String) {
        // The observer ends last.
        let _ = self.notices.send(notice);
    }

    /// The dead letters have changed.
    pub(super) fn letters_changed(&mut self) {
        self.stale = true;
    }

    /// Whether the spool is published as empty.
    pub(super) fn shows_empty(&self) -> bool {
        self.publish.borrow().row.items == 0
    }

    /// Publishes how the spool stands.
    pub(super) fn show(&mut self, row: SpoolRow, spool: &Spool, now: Instant) {
        if row.is_nearly_full() != self.warned {
            self.warned = row.is_nearly_full();
            if self.warned {
                self.tell(format!(
                    "the spool has reached {} % of its quota; at 100 % the feed is not read",
                    row.percent()
                ));
            }
        }
        let before = self.publish.borrow().clone();
        match (&before.row.fault, &row.fault) {
            (old, Some(fault)) if old.as_ref() != Some(fault) => self.tell(format!(
                "{fault}; the feed is not read until it can be written, nothing is lost"
            )),
            (Some(_), None) => self.tell("the spool can be written again".to_owned()),
            _ => {}
        }
        self.stale |= row.letters != before.row.letters;
        let mut letters = before.letters.clone();
        if self.stale && self.listed.is_none_or(|at| now - at >= LIST) {
            match spool.letter_rows(ROWS) {
                Ok(rows) => letters = Arc::new(rows),
                Err(error) => tracing::warn!("the dead letters can't be read: {error}"),
            }
            self.stale = false;
            self.listed = Some(now);
        }
        let now = Published { row, letters };
        if now != before {
            self.publish.send_replace(now);
        }
    }
}
