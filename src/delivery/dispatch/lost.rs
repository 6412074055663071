//! Recovery of the items of a task that ended without a result.
//!
//! A panic in a request is caught where the request is sent, and counts as a failed attempt. This
//! handles everything else that could end a task.

use std::sync::Arc;

use tokio::task::JoinError;
use tokio::time::Instant;

use crate::amplitude::time;
use crate::customerio::response::Answer;
use crate::delivery::batch::Batch;
use crate::delivery::pending::{PendingBatch, Streak};
use crate::delivery::{Attempt, DeliveryReport};

use super::dispatcher::Dispatch;

impl Dispatch {
    /// Schedules the task's items for a retry. The people in it still count as in flight, so that
    /// no item of theirs overtakes it.
    pub(super) async fn recover_lost(&mut self, error: &JoinError) {
        let Some(items) = self.task_table.remove(error.id()) else {
            return;
        };
        let count = items.refs.len();
        let notice = format!(
            "a fault of this program: a task of delivery ended by itself ({error}). Its {count} \
             items are tried again; please report it"
        );
        tracing::error!("{notice}");
        self.requests -= u32::from(items.is_request);
        self.outstanding_bytes -= items.memory_bytes;
        let pending = PendingBatch {
            batch: Batch::Spooled(items.refs),
            streak: Streak::default(),
        };
        let wait = self.settings.retry.first_delay;
        self.retries.schedule(pending, Instant::now() + wait);
        if items.is_request {
            self.report_fault(notice, count).await;
        }
    }

    /// Reports a request that ended without an answer.
    async fn report_fault(&self, notice: String, items: usize) {
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
        let report = DeliveryReport {
            attempt: Arc::new(attempt),
            outcomes: Vec::new(),
            notice: Some(notice),
        };
        // The receiver ends only with the whole pipeline.
        let _ = self.channels.reports.send(report).await;
    }
}
