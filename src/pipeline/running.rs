//! A running pipeline, and its shutdown.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::delivery::Control;
use crate::delivery::fence::Fence;
use crate::ledger::LedgerWriter;
use crate::protocol::Snapshot;

use super::handle::Handle;
use super::observer::IntakeReport;
use super::status;

/// Maximum time for handing the partitions of a shared stream over at the end.
const HAND_OVER: Duration = Duration::from_secs(5);

/// A running pipeline.
#[derive(Debug)]
pub struct Pipeline {
    pub(super) handle: Handle,
    pub(super) stop: CancellationToken,
    pub(super) feed: JoinHandle<()>,
    pub(super) intake: JoinHandle<()>,
    pub(super) dispatch: JoinHandle<()>,
    pub(super) observer: JoinHandle<()>,
    /// The partitions that may be sent for, with a shared stream.
    pub(super) fence: Option<Fence>,
    /// Keeps the observer running until the spool has ended.
    pub(super) intake_reports: mpsc::Sender<IntakeReport>,
    /// Tasks that are aborted at the end.
    pub(super) side_tasks: Vec<JoinHandle<()>>,
    /// The thread that records the feed, if it is recorded.
    pub(super) recorder: Option<std::thread::JoinHandle<()>>,
    /// The thread of the ledger, which ends after the observer.
    pub(super) ledger: Option<LedgerWriter>,
}

/// The state of a pipeline after its shutdown.
#[derive(Debug)]
pub struct ShutdownReport {
    /// The last snapshot.
    pub last: Arc<Snapshot>,
    /// Items that are accepted and not settled; they stay in the spool.
    pub left: u64,
    /// Events that were received but could not be written to the spool; they were never accepted.
    pub unwritten: u64,
    /// The reason why the pipeline failed, if it did.
    pub failure: Option<String>,
}

impl Pipeline {
    /// The handle for screens and commands.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs a task until the pipeline ends. A panic in it fails the pipeline under `name`.
    pub fn run_beside(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.side_tasks.push(self.handle.failure.spawn(name, task));
    }

    /// Stops intake, waits up to `drain` until everything is settled that can be, and ends. Once
    /// `hurry` is cancelled it waits no longer. Unsettled items stay in the spool.
    pub async fn end(mut self, drain: Duration, hurry: CancellationToken) -> ShutdownReport {
        self.stop.cancel();
        if let Some(fence) = &self.fence {
            // What is not sent yet is sent by the partitions' next holders.
            fence.close_all();
        }
        self.end_dispatch(drain, hurry).await;
        if self.fence.is_none() {
            self.feed.abort();
        }
        self.side_tasks.iter().for_each(JoinHandle::abort);
        // Closing waits for the spool's thread, which may wait for the disk.
        let spool = self.handle.spool.clone();
        let closing = tokio::task::spawn_blocking(move || spool.close());
        let unwritten = closing.await.unwrap_or_default();
        drop(self.intake_reports);
        let _ = self.intake.await;
        if self.fence.is_some() {
            // It acknowledges what is settled, and hands its partitions over.
            let feed = self.feed.abort_handle();
            if timeout(HAND_OVER, self.feed).await.is_err() {
                feed.abort();
            }
        }
        if let Some(recorder) = self.recorder {
            // It ends its file, as no more frames follow.
            let _ = tokio::task::spawn_blocking(move || recorder.join()).await;
        }
        let _ = self.observer.await;
        if let Some(ledger) = self.ledger {
            // It writes what it has.
            let _ = tokio::task::spawn_blocking(move || ledger.join()).await;
        }
        let last = self.handle.snapshots.borrow().clone();
        status::write_last(&self.handle).await;
        // What is left of a shared stream is sent by its other members.
        let is_alone = self.fence.is_none();
        ShutdownReport {
            left: if is_alone {
                last.delivery.spool.items
            } else {
                0
            },
            unwritten,
            failure: self.handle.failure.reason(),
            last,
        }
    }

    /// Lets delivery settle what it can, and ends it.
    async fn end_dispatch(&mut self, drain: Duration, hurry: CancellationToken) {
        let now = Instant::now();
        let by = if self.fence.is_some() {
            now
        } else {
            now + drain
        };
        self.handle.control(Control::Drain(by)).await;
        let in_time = tokio::select! {
            // A panic in it was reported; its items are in the spool.
            _ = &mut self.dispatch => true,
            () = tokio::time::sleep(drain) => false,
            () = hurry.cancelled() => false,
        };
        if !in_time {
            self.handle.control(Control::GiveUp).await;
            let _ = (&mut self.dispatch).await;
        }
    }
}
