//! Tasks of delivery that end without an answer: what they had is tried again.
//!
//! A request that panics is caught where it is sent, and is a failed attempt as any other. What
//! is here is for everything else that could end a task.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tokio::task::{Id, JoinError};
use tokio::time::Instant;

use crate::amplitude::time;
use crate::customerio::response::Answer;
use crate::delivery::cargo::{Cargo, Ticket};
use crate::delivery::retries::{Load, Streak};
use crate::delivery::{Answered, Attempt};

use super::Dispatch;

/// What each task has, by the task.
#[derive(Debug, Default)]
pub(super) struct Carried(FxHashMap<Id, Held>);

/// What one task has.
#[derive(Debug)]
pub(super) struct Held {
    /// Its items.
    pub(super) tickets: Vec<Ticket>,
    /// Bytes of them in memory.
    pub(super) bytes: usize,
    /// Whether it is a request, or reads from the spool.
    pub(super) is_request: bool,
}

impl Carried {
    pub(super) fn insert(&mut self, task: Id, held: Held) {
        self.0.insert(task, held);
    }

    pub(super) fn remove(&mut self, task: Id) -> Option<Held> {
        self.0.remove(&task)
    }
}

impl Dispatch {
    /// Tries again what a task had that ended without bringing it back. The people in it still
    /// count as under way, so that nothing of theirs overtakes it.
    pub(super) async fn lost(&mut self, error: &JoinError) {
        let Some(held) = self.carried.remove(error.id()) else {
            return;
        };
        let count = held.tickets.len();
        let notice = format!(
            "a fault of this program: a task of delivery ended by itself ({error}). Its {count} \
             items are tried again; please report it"
        );
        tracing::error!("{notice}");
        self.requests -= u32::from(held.is_request);
        self.held_bytes -= held.bytes;
        let load = Load {
            cargo: Cargo::Spooled(held.tickets),
            streak: Streak::default(),
        };
        let wait = self.settings.retry.first_delay;
        self.retries.park(load, Instant::now() + wait);
        if held.is_request {
            self.tell_of_fault(notice, count).await;
        }
    }

    /// Tells of a request that ended without an answer.
    async fn tell_of_fault(&self, notice: String, items: usize) {
        let answer = Answer::Panicked {
            message: notice.clone(),
        };
        let attempt = Attempt {
            at_ms: time::now(),
            took_ms: 0,
            answer: answer.label(),
            message: answer.message(),
            items: items as u32,
        };
        let answered = Answered {
            attempt: Arc::new(attempt),
            settled: Vec::new(),
            notice: Some(notice),
        };
        // The receiver ends only when the whole pipeline does.
        let _ = self.answered.send(answered).await;
    }
}
