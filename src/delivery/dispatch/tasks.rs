//! The dispatcher's tasks: their items, and their results.

use rustc_hash::FxHashMap;
use tokio::task::Id;
use tokio::time::Instant;

use crate::amplitude::time::UnixMs;
use crate::customerio::response::Answer;
use crate::delivery::Queued;
use crate::delivery::batch::SpoolRef;
use crate::delivery::fence::InFlight;
use crate::delivery::pending::{PendingBatch, Streak};

/// The result of a task.
#[derive(Debug)]
pub(super) enum TaskResult {
    /// A request ended.
    Answered(Sent),
    /// Items were read back from the spool.
    Fetched {
        items: Vec<Queued>,
        /// The people of the items that were asked for.
        people: Vec<u64>,
        streak: Streak,
    },
    /// The gate was no longer open when the request was to begin.
    Unsent(PendingBatch),
}

/// A request that ended, with an answer or without.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) items: Vec<Queued>,
    pub(super) streak: Streak,
    /// When it was sent.
    pub(super) at: Instant,
    pub(super) at_ms: UnixMs,
    pub(super) answer: Answer,
    /// Counts the items as in flight until their outcomes are passed on.
    pub(super) in_flight: Option<InFlight>,
}

/// The items of each task, in case it ends without a result.
#[derive(Debug, Default)]
pub(super) struct TaskTable(FxHashMap<Id, TaskItems>);

/// The items of one task.
#[derive(Debug)]
pub(super) struct TaskItems {
    pub(super) refs: Vec<SpoolRef>,
    /// Bytes of them in memory.
    pub(super) memory_bytes: usize,
    /// Whether the task is a request, and not a read from the spool.
    pub(super) is_request: bool,
}

impl TaskTable {
    pub(super) fn insert(&mut self, task: Id, items: TaskItems) {
        self.0.insert(task, items);
    }

    pub(super) fn remove(&mut self, task: Id) -> Option<TaskItems> {
        self.0.remove(&task)
    }
}
