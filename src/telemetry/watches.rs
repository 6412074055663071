//! Counts of the events that match conditions: for the watches of a screen, and for alerts.

use std::collections::VecDeque;

use crate::amplitude::Reading;
use crate::amplitude::time::UnixMs;
use crate::filter::Condition;
use crate::filter::expression::{Evaluation, Variables};
use crate::protocol::Record;
use crate::protocol::series::means;

use super::ring::SharedRing;

/// Length of the history of a screen's watches, in seconds.
pub const HISTORY_SECONDS: usize = 600;
/// Time over which a rate is measured, in whole seconds.
pub const WATCH_RATE_SECONDS: usize = 10;

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
    fn add(&mut self, record: &Record, keep_seconds: usize) {
        self.advance(record.received_ms, keep_seconds);
        self.count += 1;
        self.last_sequence = Some(record.sequence);
        // If the clock was set back, the event counts in the last second.
        if let Some(second) = self.seconds.back_mut() {
            *second += 1;
        }
    }

    /// Adds empty seconds up to `now_ms`.
    fn advance(&mut self, now_ms: UnixMs, keep_seconds: usize) {
        let now = now_ms.div_euclid(1_000);
        if self.seconds.is_empty() {
            self.seconds.push_back(0);
            self.newest = now;
        }
        for _ in 0..(now - self.newest).clamp(0, keep_seconds as i64 + 1) {
            self.seconds.push_back(0);
            if self.seconds.len() > keep_seconds + 1 {
                self.seconds.pop_front();
            }
        }
        self.newest = self.newest.max(now);
    }

    /// Events per second, over the last ten whole seconds.
    pub fn rate(&self) -> f64 {
        let whole = self.seconds.iter().rev().skip(1).take(WATCH_RATE_SECONDS);
        let (count, seconds) = whole.fold((0_u64, 0_u32), |(n, s), count| {
            (n + u64::from(*count), s + 1)
        });
        count as f64 / f64::from(seconds.max(1))
    }

    /// The events of the last `seconds`, with the second that is not complete.
    pub fn within(&self, seconds: usize) -> u64 {
        let last = self.seconds.iter().rev().take(seconds);
        last.map(|count| u64::from(*count)).sum()
    }

    /// The history as `points` rates in events per second, the oldest first.
    pub fn history(&self, points: usize) -> Vec<f64> {
        let whole = self.seconds.len().saturating_sub(1);
        let mut steps = vec![0; whole.max(points.min(HISTORY_SECONDS))];
        let newest_first = self.seconds.iter().rev().skip(1);
        for (to, from) in steps.iter_mut().rev().zip(newest_first) {
            *to = *from;
        }
        means(&steps, points, 1_000)
    }
}

/// Evaluates conditions on the events in a ring, each event once.
#[derive(Debug)]
pub struct WatchEvaluator {
    watched: Vec<Watched>,
    keep_seconds: usize,
    missed: u64,
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
    /// An evaluator whose counts reach back so many seconds.
    pub fn keeping(seconds: usize) -> Self {
        Self {
            watched: Vec::new(),
            keep_seconds: seconds,
            missed: 0,
        }
    }

    /// Whether it has no conditions.
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// Evaluates the conditions on the new events in the ring; a new condition on all of them.
    pub fn run<'w>(
        &mut self,
        wanted: impl IntoIterator<Item = &'w str>,
        ring: &SharedRing,
        now_ms: UnixMs,
    ) {
        let mut before = std::mem::take(&mut self.watched);
        for when in wanted {
            let known = before.iter().position(|old| old.when == when);
            self.watched.push(match known {
                Some(at) => before.swap_remove(at),
                None => Watched {
                    when: when.to_owned(),
                    condition: Condition::compile(when).ok(),
                    next: 0,
                    seen: WatchCount::default(),
                },
            });
        }
        let event = |record: &Record| record.event().map(|_| record.clone());
        let Some(mut next) = self.watched.iter().map(|w| w.next).min() else {
            return;
        };
        if next > 0 {
            self.missed += ring.lock().first().saturating_sub(next);
        }
        while let Some(records) = ring.copy_batch(&mut next, event) {
            for record in &records {
                ask(&mut self.watched, record, self.keep_seconds);
            }
        }
        for watched in &mut self.watched {
            watched.next = next;
            watched.seen.advance(now_ms, self.keep_seconds);
        }
    }

    /// Events that had left the ring before they could be evaluated.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The counts, in the order of the conditions.
    pub fn counts(&self) -> Vec<WatchCount> {
        self.watched.iter().map(|w| w.seen.clone()).collect()
    }
}

fn ask(watched: &mut [Watched], record: &Record, keep_seconds: usize) {
    let Some(event) = record.event() else { return };
    let reading = Reading::new(event);
    let variables = Variables::new(&reading);
    let context = variables.context();
    for watched in watched.iter_mut().filter(|w| record.sequence >= w.next) {
        let meets = |c: &Condition| c.evaluate(&context) == Evaluation::True;
        if watched.condition.as_ref().is_some_and(meets) {
            watched.seen.add(record, keep_seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Decision;
    use crate::protocol::Outcome;
    use crate::protocol::tests_support::record;

    #[test]
    fn a_watch_sees_what_is_there_and_what_comes_each_event_once() {
        let ring = SharedRing::new(1 << 20);
        let of = |n: u64| {
            let text = format!(r#"{{"event_type":"T {}","user_id":"u-{n}"}}"#, n % 2);
            record(n, &text, Decision::Accepted, Outcome::OnItsWay)
        };
        ring.lock().extend((1..=20).map(of));
        let mut evaluator = WatchEvaluator::keeping(HISTORY_SECONDS);
        let first = [r#"event_type == "T 1""#];
        evaluator.run(first, &ring, 20_500);
        evaluator.run(first, &ring, 20_600);
        assert_eq!(evaluator.counts()[0].count, 10);
        ring.lock().extend((21..=30).map(of));
        // A new watch sees all events, a known one the new events.
        let both = [r#"user_id == "u-3""#, first[0], "oops("];
        evaluator.run(both, &ring, 30_500);
        let seen = evaluator.counts();
        let counts: Vec<u64> = seen.iter().map(|s| s.count).collect();
        assert_eq!(counts, [1, 15, 0]);
        assert_eq!(seen[1].last_sequence, Some(29));
        // Every second event has the type.
        assert!((seen[1].rate() - 0.5).abs() < f64::EPSILON, "{seen:?}");
        assert_eq!(seen[1].within(10), 5, "seconds 21 to 30");
        let history = seen[1].history(10);
        assert_eq!(history.len(), 10);
        assert!(history.iter().sum::<f64>() > 0.0);
        assert_eq!(evaluator.missed(), 0);
        evaluator.run([], &ring, 31_000);
        assert_eq!(evaluator.counts(), []);
    }

    #[test]
    fn events_that_left_the_ring_before_they_were_evaluated_are_counted() {
        let ring = SharedRing::new(2_000);
        let of = |n: u64| {
            let text = r#"{"event_type":"T","user_id":"u"}"#;
            record(n, text, Decision::Accepted, Outcome::OnItsWay)
        };
        let mut evaluator = WatchEvaluator::keeping(60);
        ring.lock().extend([of(1)]);
        evaluator.run(["has_user"], &ring, 1_000);
        ring.lock().extend((2..=100).map(of));
        evaluator.run(["has_user"], &ring, 2_000);
        let seen = evaluator.counts()[0].count;
        assert!(evaluator.missed() > 0);
        assert_eq!(seen + evaluator.missed(), 100);
    }
}
