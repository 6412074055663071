//! Conditions that are watched: how many events meet each, how many a second, its course, and
//! an alert where that is more than it should be.
//!
//! They are asked beside the screen, a few times a second, of what came into the ring since; a
//! condition that is new is asked of all that is there. They have nothing to do with what is
//! forwarded.

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

/// Watches are asked this often.
const EVERY: Duration = Duration::from_millis(250);
/// The course goes back so many seconds.
pub const SECONDS: usize = 600;
/// A rate is over so many whole seconds.
const RATE_SECONDS: usize = 10;

/// A condition that is watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// The condition, in CEL.
    pub when: String,
    /// More events a second than this are an alert; none where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
}

impl Watch {
    /// Whether more events a second meet it than should.
    pub fn is_over(&self, seen: &Seen) -> bool {
        self.above.is_some_and(|most| seen.rate() > most)
    }
}

/// What a watch has seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The events that met the condition, as far as the ring had them.
    pub count: u64,
    /// The last of them.
    pub last_sequence: Option<u64>,
    /// How many there were in each second; the last is not over yet.
    seconds: VecDeque<u32>,
    /// The number of the last second.
    newest: i64,
}

impl Seen {
    fn add(&mut self, record: &Record) {
        self.advance(record.received_ms);
        self.count += 1;
        self.last_sequence = Some(record.sequence);
        // A clock that was set back adds to the last second.
        if let Some(second) = self.seconds.back_mut() {
            *second += 1;
        }
    }

    /// Lets time pass.
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

    /// Events a second, over the last whole seconds.
    pub fn rate(&self) -> f64 {
        let whole = self.seconds.iter().rev().skip(1).take(RATE_SECONDS);
        let (count, seconds) = whole.fold((0_u64, 0_u32), |(n, s), count| {
            (n + u64::from(*count), s + 1)
        });
        count as f64 / f64::from(seconds.max(1))
    }

    /// The course as `points` values, oldest first: events a second.
    pub fn course(&self, points: usize) -> Vec<f64> {
        let whole = self.seconds.len().saturating_sub(1);
        let mut steps = vec![0; whole.max(points.min(SECONDS))];
        let newest_first = self.seconds.iter().rev().skip(1);
        for (to, from) in steps.iter_mut().rev().zip(newest_first) {
            *to = *from;
        }
        means(&steps, points, 1_000)
    }
}

/// Asks the watches.
#[derive(Debug)]
pub struct Watcher {
    asked: Vec<Watch>,
    wanted: Arc<Mutex<Vec<Watch>>>,
    told: mpsc::UnboundedReceiver<Vec<Seen>>,
    /// Ends the task.
    _stop: tokio_util::sync::DropGuard,
}

impl Watcher {
    /// One that watches nothing yet.
    pub fn new(ring: SharedRing, now: fn() -> UnixMs) -> Self {
        let wanted: Arc<Mutex<Vec<Watch>>> = Arc::default();
        let (tell, told) = mpsc::unbounded_channel();
        let stop = tokio_util::sync::CancellationToken::new();
        let (watches, stopped) = (wanted.clone(), stop.clone());
        tokio::spawn(async move {
            let mut rounds = Rounds::default();
            while stopped
                .run_until_cancelled(tokio::time::sleep(EVERY))
                .await
                .is_some()
            {
                let wanted = lock(&watches).clone();
                if wanted.is_empty() && rounds.watched.is_empty() {
                    continue;
                }
                let ring = ring.clone();
                let round = tokio::task::spawn_blocking(move || {
                    rounds.go(&wanted, &ring, now());
                    rounds
                });
                match round.await {
                    Ok(after) => rounds = after,
                    Err(_) => return,
                }
                if tell.send(rounds.seen()).is_err() {
                    return;
                }
            }
        });
        Self {
            asked: Vec::new(),
            wanted,
            told,
            _stop: stop.drop_guard(),
        }
    }

    /// What is watched now.
    pub fn ask(&mut self, watches: &[Watch]) {
        if self.asked != watches {
            self.asked = watches.to_vec();
            *lock(&self.wanted) = watches.to_vec();
        }
    }

    /// What the watches have seen, in their order, as soon as it is known.
    pub async fn next(&mut self) -> Vec<Seen> {
        match self.told.recv().await {
            Some(seen) => seen,
            None => std::future::pending().await,
        }
    }
}

fn lock(wanted: &Mutex<Vec<Watch>>) -> std::sync::MutexGuard<'_, Vec<Watch>> {
    wanted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was asked so far.
#[derive(Debug, Default)]
pub struct Rounds {
    watched: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    when: String,
    /// None where it does not compile: nothing meets it.
    condition: Option<Condition>,
    /// The number of the event that it is asked of next.
    next: u64,
    seen: Seen,
}

impl Rounds {
    /// Asks `wanted` of what is new in the ring.
    pub fn go(&mut self, wanted: &[Watch], ring: &SharedRing, now_ms: UnixMs) {
        let mut before = std::mem::take(&mut self.watched);
        for watch in wanted {
            let known = before.iter().position(|old| old.when == watch.when);
            self.watched.push(match known {
                Some(at) => before.swap_remove(at),
                None => Watched {
                    when: watch.when.clone(),
                    condition: Condition::compile(&watch.when).ok(),
                    next: 0,
                    seen: Seen::default(),
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

    /// What they have seen, in their order.
    pub fn seen(&self) -> Vec<Seen> {
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
        let mut rounds = Rounds::default();
        let first = [watch(r#"event_type == "T 1""#)];
        rounds.go(&first, &ring, 20_500);
        rounds.go(&first, &ring, 20_600);
        assert_eq!(rounds.seen()[0].count, 10);
        ring.lock().extend((21..=30).map(of));
        // Another is asked of all that is there, the first of what is new.
        let both = [
            watch(r#"user_id == "u-3""#),
            first[0].clone(),
            watch("oops("),
        ];
        rounds.go(&both, &ring, 30_500);
        let seen = rounds.seen();
        let counts: Vec<u64> = seen.iter().map(|s| s.count).collect();
        assert_eq!(counts, [1, 15, 0]);
        assert_eq!(seen[1].last_sequence, Some(29));
        // One of two events a second is of the type.
        assert!((seen[1].rate() - 0.5).abs() < f64::EPSILON, "{seen:?}");
        let course = seen[1].course(10);
        assert_eq!(course.len(), 10);
        assert!(course.iter().sum::<f64>() > 0.0);
        rounds.go(&[], &ring, 31_000);
        assert_eq!(rounds.seen(), []);
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
