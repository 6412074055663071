//! What waits to be tried again, by time.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::cargo::Cargo;
use super::{History, Place};

/// What goes out together, or waits to.
#[derive(Debug)]
pub struct Load {
    /// The items.
    pub cargo: Cargo,
    /// The streak of failures that their last one belongs to.
    pub streak: Streak,
}

/// Failures one after the other, with no answer of a destination that works between them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streak {
    /// Its number; see [`Breaker::streak`](super::breaker::Breaker::streak).
    pub number: u64,
    /// How many of the failures in it are those of the same items.
    pub own: u32,
    /// The time that these added to what was spent on the items, in milliseconds.
    pub own_ms: u64,
}

impl Streak {
    /// Takes what this streak added out of an item's history.
    pub fn excuse(&self, history: &mut History) {
        history.failures = history.failures.saturating_sub(self.own);
        history.tried_ms = history.tried_ms.saturating_sub(self.own_ms);
    }
}

/// Loads that failed, each until its time comes.
#[derive(Debug, Default)]
pub struct Retries {
    /// By time, and in the order in which they came.
    loads: BTreeMap<(Instant, u64), Load>,
    parked: u64,
    items: u64,
}

impl Retries {
    /// Keeps a load until then.
    pub fn park(&mut self, load: Load, until: Instant) {
        self.parked += 1;
        self.items += load.cargo.len() as u64;
        self.loads.insert((until, self.parked), load);
    }

    /// The load whose time came first, if it has come.
    pub fn take_due(&mut self, now: Instant) -> Option<Load> {
        let first = self.loads.first_entry()?;
        let due = first.key().0 <= now;
        due.then(|| {
            let load = first.remove();
            self.items -= load.cargo.len() as u64;
            load
        })
    }

    /// When the next load's time comes.
    pub fn next_at(&self) -> Option<Instant> {
        self.loads.keys().next().map(|(at, _)| *at)
    }

    /// How many items wait.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.loads.is_empty()
    }

    /// Takes the failures of this streak, and the time spent on them, out of the histories: they
    /// were the outage's. Returns the items whose history changes.
    pub fn excuse(&mut self, streak: u64) -> Vec<(Place, History)> {
        let mut changed = Vec::new();
        for load in self.loads.values_mut() {
            if load.streak.number != streak {
                continue;
            }
            let streak = load.streak;
            (load.streak.own, load.streak.own_ms) = (0, 0);
            load.cargo.each(|place, history| {
                streak.excuse(history);
                changed.push((place, *history));
            });
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::batch::tests_support::{queued, sequences};
    use super::*;

    #[test]
    fn loads_come_back_by_time_and_those_of_one_time_in_their_order() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut retries = Retries::default();
        for (number, wait) in [(1, second * 2), (2, second), (3, second)] {
            let cargo = Cargo::Here(vec![queued(number, number, 10)]);
            let streak = Streak::default();
            retries.park(Load { cargo, streak }, now + wait);
        }
        assert!(retries.take_due(now).is_none(), "none is due");
        assert_eq!(retries.next_at(), Some(now + second));
        let due = |at| std::iter::from_fn(move || Some(at)).take(3);
        let order: Vec<Vec<u64>> = due(now + second * 2)
            .filter_map(|at| retries.take_due(at))
            .map(|load| sequences(&load.cargo))
            .collect();
        assert_eq!(order, [[2], [3], [1]]);
        assert!(retries.is_empty() && retries.items() == 0);
    }

    #[test]
    fn only_the_failures_of_the_streak_are_given_back_and_only_once() {
        let now = Instant::now();
        let mut retries = Retries::default();
        for (number, own) in [(1, 2), (2, 3)] {
            let mut item = queued(number, number, 10);
            item.history.failures = 5;
            item.history.tried_ms = 5_500;
            let cargo = Cargo::Here(vec![item]);
            let own_ms = u64::from(own) * 1_000;
            let streak = Streak {
                number,
                own,
                own_ms,
            };
            retries.park(Load { cargo, streak }, now);
        }
        let changed = retries.excuse(2);
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].1.failures, 2, "three of five were the outage's");
        assert_eq!(changed[0].1.tried_ms, 2_500);
        assert_eq!(retries.excuse(2)[0].1.failures, 2);
    }
}
