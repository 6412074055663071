//! A task of the pipeline that ends by a panic takes nothing in, sends nothing, or shows nothing
//! any more, and all others would wait for it for ever. So it is told, and ends the pipeline.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::sync::watch;

/// Why the pipeline can't go on, once it can't.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    why: watch::Sender<Option<String>>,
    notices: mpsc::UnboundedSender<String>,
}

impl Failure {
    pub(super) fn new(notices: mpsc::UnboundedSender<String>) -> Self {
        Self {
            why: watch::Sender::new(None),
            notices,
        }
    }

    /// Says that the pipeline can't go on. The first reason stays.
    pub(super) fn report(&self, why: String) {
        tracing::error!("{why}");
        // Who is told may have ended itself.
        let _ = self.notices.send(why.clone());
        self.why.send_if_modified(|told| {
            let is_first = told.is_none();
            told.get_or_insert(why);
            is_first
        });
    }

    /// Why the pipeline can't go on, if it can't.
    pub(super) fn why(&self) -> Option<String> {
        self.why.borrow().clone()
    }

    /// Waits until the pipeline can't go on.
    pub(super) async fn wait(&self) {
        let mut told = self.why.subscribe();
        // The sender is held by `self`.
        let _ = told.wait_for(Option::is_some).await;
    }

    /// The task, whose panic is told under this name.
    pub(super) async fn watched(self, name: &'static str, task: impl Future<Output = ()>) {
        if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
            let says = message(panic.as_ref());
            self.report(format!(
                "{name} has ended by a fault of the program ({says}): what is accepted is in the spool; start again"
            ));
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_told_and_one_that_ends_is_not() {
        let (notices, mut told) = mpsc::unbounded_channel();
        let failure = Failure::new(notices);
        failure.clone().watched("intake", async {}).await;
        assert_eq!(failure.why(), None);
        let broken = async { panic!("index out of bounds") };
        tokio::spawn(failure.clone().watched("intake", broken))
            .await
            .unwrap();
        failure.wait().await;
        let why = failure.why().unwrap();
        assert!(
            why.starts_with("intake has ended by a fault of the program (index out of bounds)"),
            "{why}"
        );
        assert_eq!(told.recv().await, Some(why));
    }
}
