//! Counting the events that match the conditions of alerts.

use crate::amplitude::time;
use crate::telemetry::ring::SharedRing;
use crate::telemetry::watches::WatchEvaluator;

use super::rule::AlertRule;

/// The conditions of alerts, with the events that matched them.
#[derive(Debug)]
pub(super) struct Watching {
    ring: SharedRing,
    watches: Vec<Watched>,
    /// None while it counts.
    evaluator: Option<WatchEvaluator>,
    has_told_missed: bool,
}

#[derive(Debug)]
struct Watched {
    condition: String,
    seconds: u64,
    /// The events of this time that matched.
    matches: u64,
}

impl Watching {
    /// Counts on the events in this ring.
    pub(super) fn new(ring: SharedRing) -> Self {
        Self {
            ring,
            watches: Vec::new(),
            evaluator: None,
            has_told_missed: false,
        }
    }

    /// Adds the condition of a rule. Returns its number.
    pub(super) fn add(&mut self, rule: &AlertRule) -> usize {
        self.watches.push(Watched {
            condition: rule.condition.clone(),
            seconds: rule.within_seconds(),
            matches: 0,
        });
        self.watches.len() - 1
    }

    /// Whether no alert watches a condition.
    pub(super) fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// The events that matched a condition, and over how many seconds they are counted.
    pub(super) fn matches(&self, number: usize) -> (u64, u64) {
        let watched = self.watches.get(number);
        watched.map_or((0, 0), |it| (it.matches, it.seconds))
    }

    /// Evaluates the conditions on the new events, on a thread for such work.
    pub(super) async fn count(&mut self) {
        if self.watches.is_empty() {
            return;
        }
        let longest = self.watches.iter().map(|watched| watched.seconds).max();
        let evaluator = self.evaluator.take();
        let mut evaluator = evaluator
            .unwrap_or_else(|| WatchEvaluator::keeping(longest.unwrap_or_default() as usize));
        let ring = self.ring.clone();
        let conditions: Vec<String> = self
            .watches
            .iter()
            .map(|watched| watched.condition.clone())
            .collect();
        let counting = tokio::task::spawn_blocking(move || {
            evaluator.run(conditions.iter().map(String::as_str), &ring, time::now());
            evaluator
        });
        // It fails only where the runtime ends; a panic in it was printed, and the next round begins anew.
        let Ok(evaluator) = counting.await else {
            return;
        };
        for (watched, seen) in self.watches.iter_mut().zip(evaluator.counts()) {
            watched.matches = seen.within(watched.seconds as usize);
        }
        if evaluator.missed() > 0 && !self.has_told_missed {
            self.has_told_missed = true;
            tracing::warn!(
                "events came faster than the conditions of alerts are evaluated, and some are not counted: \
                 raise screen.ring_bytes"
            );
        }
        self.evaluator = Some(evaluator);
    }
}
