//! Watched conditions: the number of events that match each, its rate and history, and an alert if the
//! rate is too high.
//!
//! Conditions are evaluated in the background a few times per second, on the new events in the ring; a
//! new condition on all events in the ring. Watches don't influence forwarding.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::amplitude::time::UnixMs;
use crate::telemetry::ring::SharedRing;
pub use crate::telemetry::watches::WatchCount;
use crate::telemetry::watches::{HISTORY_SECONDS, WatchEvaluator};

/// Interval of the evaluation.
const EVERY: Duration = Duration::from_millis(250);
/// A watched condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// The condition, in CEL.
    pub when: String,
    /// The name. Empty: the condition is its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The rate above which there is an alert, in events per second. None: no alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
}

impl Watch {
    /// The name, or the condition of a watch without one.
    pub fn label(&self) -> &str {
        match self.name.as_str() {
            "" => &self.when,
            name => name,
        }
    }

    /// Whether the rate is above the alert rate.
    pub fn exceeds_alert(&self, seen: &WatchCount) -> bool {
        self.above.is_some_and(|most| seen.rate() > most)
    }
}

/// Evaluates watches in the background.
#[derive(Debug)]
pub struct Watcher {
    asked: Vec<Watch>,
    wanted: Arc<Mutex<Vec<Watch>>>,
    results: mpsc::UnboundedReceiver<Vec<WatchCount>>,
    /// Stops the task when dropped.
    _stop: tokio_util::sync::DropGuard,
}

impl Watcher {
    /// A watcher without watches.
    pub fn new(ring: SharedRing, now: fn() -> UnixMs) -> Self {
        let wanted: Arc<Mutex<Vec<Watch>>> = Arc::default();
        let (sender, results) = mpsc::unbounded_channel();
        let stop = tokio_util::sync::CancellationToken::new();
        let (watches, stopped) = (wanted.clone(), stop.clone());
        tokio::spawn(async move {
            let mut evaluator = WatchEvaluator::keeping(HISTORY_SECONDS);
            while stopped
                .run_until_cancelled(tokio::time::sleep(EVERY))
                .await
                .is_some()
            {
                let wanted = lock(&watches).clone();
                if wanted.is_empty() && evaluator.is_empty() {
                    continue;
                }
                let ring = ring.clone();
                let round = tokio::task::spawn_blocking(move || {
                    let wanted = wanted.iter().map(|watch| watch.when.as_str());
                    evaluator.run(wanted, &ring, now());
                    evaluator
                });
                match round.await {
                    Ok(after) => evaluator = after,
                    Err(_) => return,
                }
                if sender.send(evaluator.counts()).is_err() {
                    return;
                }
            }
        });
        Self {
            asked: Vec::new(),
            wanted,
            results,
            _stop: stop.drop_guard(),
        }
    }

    /// Sets the watches.
    pub fn ask(&mut self, watches: &[Watch]) {
        if self.asked != watches {
            self.asked = watches.to_vec();
            *lock(&self.wanted) = watches.to_vec();
        }
    }

    /// Waits for the next counts, in the order of the watches.
    pub async fn next(&mut self) -> Vec<WatchCount> {
        match self.results.recv().await {
            Some(seen) => seen,
            None => std::future::pending().await,
        }
    }
}

fn lock(wanted: &Mutex<Vec<Watch>>) -> std::sync::MutexGuard<'_, Vec<Watch>> {
    wanted.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Decision;
    use crate::protocol::Outcome;
    use crate::protocol::tests_support::record;

    fn watch(when: &str) -> Watch {
        Watch {
            when: when.to_owned(),
            name: String::new(),
            above: None,
        }
    }

    #[tokio::test]
    async fn watches_are_asked_beside_the_screen() {
        let ring = SharedRing::new(1 << 20);
        let mut watcher = Watcher::new(ring.clone(), || 2_000);
        watcher.ask(&[watch("has_user")]);
        let text = r#"{"event_type":"T","user_id":"u"}"#;
        let one = record(1, text, Decision::Accepted, Outcome::OnItsWay);
        ring.lock().extend([one]);
        while watcher.next().await.first().map(|seen| seen.count) != Some(1) {}
    }
}
