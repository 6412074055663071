//! Watched conditions: the number of events that match each, its rate and history, and an alert if the
//! rate is too high.
//!
//! Conditions are evaluated in the background a few times per second, on the new events in the ring; a
//! new condition on all events in the ring. Watches don't influence forwarding.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::amplitude::Reading;
use crate::amplitude::time::UnixMs;
use crate::filter::Condition;
use crate::filter::expression::{Evaluation, Variables};
use crate::protocol::Record;
use crate::protocol::series::means;
use crate::telemetry::ring::SharedRing;

/// Interval of the evaluation.
const EVERY: Duration = Duration::from_millis(250);
/// Length of the history, in seconds.
pub const SECONDS: usize = 600;
/// Time over which a rate is measured, in whole seconds.
pub(crate) const RATE_SECONDS: usize = 10;

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

/// The counts of a watch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WatchCount {
    /// The number of events that matched.
    pub count: u64,
    /// The last event that matched.
    pub last_sequence: Option<u64>,
    /// The matches in each second. The last second is not complete.
    seconds: VecDeque<u32>,
    /// The last second, since 1970.
    newest: i64,
}

impl WatchCount {
    fn add(&mut self, record: &Record) {
        self.advance(record.received_ms);
        self.count += 1;
        self.last_sequence = Some(record.sequence);
        // If the clock was set back, the event counts in the last second.
        if let Some(second) = self.seconds.back_mut() {
            *second += 1;
        }
    }

    /// Adds empty seconds up to `now_ms`.
    fn advance(&mut self, now_ms: UnixMs) {
        let now = now_ms.div_euclid(1_000);
        if self.seconds.is_empty() {
            self.seconds.push_back(0);
            self.newest = now;
        }
        for _ in 0..(now - self.newest).clamp(0, SECONDS as i64 + 1) {
            self.seconds.push_back(0);
            if self.seconds.len() > SECONDS + 1 {
                self.seconds.pop_front();
            }
        }
        self.newest = self.newest.max(now);
    }

    /// Events per second, over the last ten whole seconds.
    pub fn rate(&self) -> f64 {
        let whole = self.seconds.iter().rev().skip(1).take(RATE_SECONDS);
        let (count, seconds) = whole.fold((0_u64, 0_u32), |(n, s), count| {
            (n + u64::from(*count), s + 1)
        });
        count as f64 / f64::from(seconds.max(1))
    }

    /// The history as `points` rates in events per second, the oldest first.
    pub fn history(&self, points: usize) -> Vec<f64> {
        let whole = self.seconds.len().saturating_sub(1);
        let mut steps = vec![0; whole.max(points.min(SECONDS))];
        let newest_first = self.seconds.iter().rev().skip(1);
        for (to, from) in steps.iter_mut().rev().zip(newest_first) {
            *to = *from;
        }
        means(&steps, points, 1_000)
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
            let mut evaluator = WatchEvaluator::default();
            while stopped
                .run_until_cancelled(tokio::time::sleep(EVERY))
                .await
                .is_some()
            {
                let wanted = lock(&watches).clone();
                if wanted.is_empty() && evaluator.watched.is_empty() {
                    continue;
                }
                let ring = ring.clone();
                let round = tokio::task::spawn_blocking(move || {
                    evaluator.run(&wanted, &ring, now());
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

/// The state of the evaluation.
#[derive(Debug, Default)]
pub struct WatchEvaluator {
    watched: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    when: String,
    /// None if it does not compile: no event matches.
    condition: Option<Condition>,
    /// The sequence number of the next event to evaluate.
    next: u64,
    seen: WatchCount,
}

impl WatchEvaluator {
    /// Evaluates `wanted` on the new events in the ring.
    pub fn run(&mut self, wanted: &[Watch], ring: &SharedRing, now_ms: UnixMs) {
        let mut before = std::mem::take(&mut self.watched);
        for watch in wanted {
            let known = before.iter().position(|old| old.when == watch.when);
            self.watched.push(match known {
                Some(at) => before.swap_remove(at),
                None => Watched {
                    when: watch.when.clone(),
                    condition: Condition::compile(&watch.when).ok(),
                    next: 0,
                    seen: WatchCount::default(),
                },
            });
        }
        let event = |record: &Record| record.event().map(|_| record.clone());
        let Some(mut next) = self.watched.iter().map(|w| w.next).min() else {
            return;
        };
        while let Some(records) = ring.copy_batch(&mut next, event) {
            for record in &records {
                ask(&mut self.watched, record);
            }
        }
        for watched in &mut self.watched {
            watched.next = next;
            watched.seen.advance(now_ms);
        }
    }

    /// The counts, in the order of the watches.
    pub fn counts(&self) -> Vec<WatchCount> {
        self.watched.iter().map(|w| w.seen.clone()).collect()
    }
}

fn ask(watched: &mut [Watched], record: &Record) {
    let Some(event) = record.event() else { return };
    let reading = Reading::new(event);
    let variables = Variables::new(&reading);
    let context = variables.context();
    for watched in watched.iter_mut().filter(|w| record.sequence >= w.next) {
        let meets = |c: &Condition| c.evaluate(&context) == Evaluation::True;
        if watched.condition.as_ref().is_some_and(meets) {
            watched.seen.add(record);
        }
    }
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

    #[test]
    fn a_watch_sees_what_is_there_and_what_comes_each_event_once() {
        let ring = SharedRing::new(1 << 20);
        let of = |n: u64| {
            let text = format!(r#"{{"event_type":"T {}","user_id":"u-{n}"}}"#, n % 2);
            record(n, &text, Decision::Accepted, Outcome::OnItsWay)
        };
        ring.lock().extend((1..=20).map(of));
        let mut evaluator = WatchEvaluator::default();
        let first = [watch(r#"event_type == "T 1""#)];
        evaluator.run(&first, &ring, 20_500);
        evaluator.run(&first, &ring, 20_600);
        assert_eq!(evaluator.counts()[0].count, 10);
        ring.lock().extend((21..=30).map(of));
        // A new watch sees all events, a known one the new events.
        let both = [
            watch(r#"user_id == "u-3""#),
            first[0].clone(),
            watch("oops("),
        ];
        evaluator.run(&both, &ring, 30_500);
        let seen = evaluator.counts();
        let counts: Vec<u64> = seen.iter().map(|s| s.count).collect();
        assert_eq!(counts, [1, 15, 0]);
        assert_eq!(seen[1].last_sequence, Some(29));
        // Every second event has the type.
        assert!((seen[1].rate() - 0.5).abs() < f64::EPSILON, "{seen:?}");
        let history = seen[1].history(10);
        assert_eq!(history.len(), 10);
        assert!(history.iter().sum::<f64>() > 0.0);
        evaluator.run(&[], &ring, 31_000);
        assert_eq!(evaluator.counts(), []);
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
