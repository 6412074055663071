//! The failure of a pipeline: one of its tasks has ended by itself.
//!
//! A task that panics takes no more frames, sends no more items, or publishes no more snapshots, and
//! all others would wait for it for ever. So its panic is reported, and ends the pipeline.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// The failure of a pipeline, once there is one. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    reason: watch::Sender<Option<String>>,
    notices: mpsc::UnboundedSender<String>,
}

impl Failure {
    /// Creates a pipeline's failure, which has not happened. It is reported to `notices` too.
    pub(super) fn new(notices: mpsc::UnboundedSender<String>) -> Self {
        Self {
            reason: watch::Sender::new(None),
            notices,
        }
    }

    /// Reports that the pipeline can't go on. The first reason is kept.
    pub(super) fn report(&self, reason: String) {
        tracing::error!("{reason}");
        // The observer may have ended.
        let _ = self.notices.send(reason.clone());
        self.reason.send_if_modified(|kept| {
            let is_first = kept.is_none();
            kept.get_or_insert(reason);
            is_first
        });
    }

    /// The first reason; none if the pipeline has not failed.
    pub(super) fn reason(&self) -> Option<String> {
        self.reason.borrow().clone()
    }

    /// Waits until the pipeline has failed.
    pub(super) async fn wait(&self) {
        let mut reason = self.reason.subscribe();
        // It can't fail: `self` has the sender.
        let _ = reason.wait_for(Option::is_some).await;
    }

    /// Spawns a task whose panic is reported under `name`.
    pub(super) fn spawn(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        let failure = self.clone();
        tokio::spawn(async move {
            if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
                let text = message(panic.as_ref());
                failure.report(format!(
                    "{name} has ended because of a fault of this program ({text}): accepted events are in the spool; \
                     start the program again"
                ));
            }
        })
    }
}

/// The message of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_task_is_reported_and_an_ordinary_end_is_not() {
        let (notices, mut received) = mpsc::unbounded_channel();
        let failure = Failure::new(notices);
        failure.spawn("intake", async {}).await.unwrap();
        assert_eq!(failure.reason(), None);
        let broken = async { panic!("index out of bounds") };
        failure.spawn("intake", broken).await.unwrap();
        failure.wait().await;
        let reason = failure.reason().unwrap();
        assert!(
            reason.starts_with(
                "intake has ended because of a fault of this program (index out of bounds)"
            ),
            "{reason}"
        );
        assert_eq!(received.recv().await, Some(reason));
    }
}
