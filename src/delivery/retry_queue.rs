//! Batches that failed, in the order in which they are tried again.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::pending::PendingBatch;
use super::{History, SpoolPosition};

/// Batches that failed, each until its next attempt.
#[derive(Debug, Default)]
pub struct RetryQueue {
    /// By time, then in the order in which they were added.
    batches: BTreeMap<(Instant, u64), PendingBatch>,
    added: u64,
    items: u64,
}

impl RetryQueue {
    /// Schedules a batch.
    pub fn schedule(&mut self, pending: PendingBatch, at: Instant) {
        self.added += 1;
        self.items += pending.batch.len() as u64;
        self.batches.insert((at, self.added), pending);
    }

    /// Takes the earliest batch, if it is due.
    pub fn take_due(&mut self, now: Instant) -> Option<PendingBatch> {
        let first = self.batches.first_entry()?;
        let is_due = first.key().0 <= now;
        is_due.then(|| {
            let pending = first.remove();
            self.items -= pending.batch.len() as u64;
            pending
        })
    }

    /// When the next batch is due.
    pub fn next_at(&self) -> Option<Instant> {
        self.batches.keys().next().map(|(at, _)| *at)
    }

    /// Number of items that wait.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Refunds the failures of a streak, and the time spent on them: an outage caused them.
    /// Returns the items whose history changed.
    pub fn refund(&mut self, streak: u64) -> Vec<(SpoolPosition, History)> {
        let mut changed = Vec::new();
        for pending in self.batches.values_mut() {
            if pending.streak.number != streak {
                continue;
            }
            let streak = pending.streak;
            (pending.streak.own, pending.streak.own_ms) = (0, 0);
            pending.batch.each_history(|position, history| {
                streak.refund(history);
                changed.push((position, *history));
            });
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::delivery::batch::Batch;
    use crate::delivery::pending::Streak;
    use crate::delivery::tests_support::{queued, sequences};

    #[test]
    fn pendings_come_back_by_time_and_those_of_one_time_in_their_order() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut retries = RetryQueue::default();
        for (number, wait) in [(1, second * 2), (2, second), (3, second)] {
            let batch = Batch::InMemory(vec![queued(number, number, 10)]);
            let streak = Streak::default();
            retries.schedule(PendingBatch { batch, streak }, now + wait);
        }
        assert!(retries.take_due(now).is_none(), "none is due");
        assert_eq!(retries.next_at(), Some(now + second));
        let due = |at| std::iter::from_fn(move || Some(at)).take(3);
        let order: Vec<Vec<u64>> = due(now + second * 2)
            .filter_map(|at| retries.take_due(at))
            .map(|pending| sequences(&pending.batch))
            .collect();
        assert_eq!(order, [[2], [3], [1]]);
        assert!(retries.is_empty() && retries.items() == 0);
    }

    #[test]
    fn only_the_failures_of_the_streak_are_given_back_and_only_once() {
        let now = Instant::now();
        let mut retries = RetryQueue::default();
        for (number, own) in [(1, 2), (2, 3)] {
            let mut item = queued(number, number, 10);
            item.history.failures = 5;
            item.history.tried_ms = 5_500;
            let batch = Batch::InMemory(vec![item]);
            let own_ms = u64::from(own) * 1_000;
            let streak = Streak {
                number,
                own,
                own_ms,
            };
            retries.schedule(PendingBatch { batch, streak }, now);
        }
        let changed = retries.refund(2);
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].1.failures, 2, "three of five were the outage's");
        assert_eq!(changed[0].1.tried_ms, 2_500);
        assert_eq!(retries.refund(2)[0].1.failures, 2);
    }
}
