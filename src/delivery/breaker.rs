//! The circuit breaker of the whole destination.
//!
//! Where requests fail one after the other, whatever they carry, it is the destination that
//! fails and not the events: then one request at a time asks whether it is back, and no event
//! uses up an attempt. Where the credentials are refused, nothing is asked until they change
//! or someone says so.
//!
//! Where another server answers, one answer is enough as long as none was ever the
//! destination's: then it is the address, or the network. Once the destination has answered, it
//! may be the single request that something on the way does not like, and such answers count
//! like other failures: a request that fails while others get through must not end delivery.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::amplitude::time::UnixMs;

/// The figures of the breaker; settings under `[delivery]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// It opens after so many failures in a row.
    pub failures: u32,
    /// The first probe comes after this; each later one waits twice as long.
    pub first_probe: Duration,
    /// No probe waits longer.
    pub longest_probe: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            failures: 5,
            first_probe: Duration::from_secs(1),
            longest_probe: Duration::from_secs(30),
        }
    }
}

/// How it stands, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Requests go out.
    #[default]
    Closed,
    /// The destination is down: now and then one request asks whether it is back.
    Open {
        /// What happened.
        why: String,
        /// Since when.
        since_ms: UnixMs,
        /// When it is asked next.
        probe_ms: UnixMs,
    },
    /// The credentials are refused: nothing goes out until they change, or someone says try.
    Refused {
        /// What happened, and what to do.
        why: String,
        /// Since when.
        since_ms: UnixMs,
    },
}

impl Standing {
    /// Why nothing goes out freely, where that is so.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Closed => None,
            Self::Open { why, .. } | Self::Refused { why, .. } => Some(why),
        }
    }
}

/// What may go out now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Whatever there is.
    Free,
    /// One request, when nothing else is out, from this moment on.
    Probe(Instant),
    /// Nothing.
    None,
}

/// The breaker.
#[derive(Debug)]
pub struct Breaker {
    limits: Limits,
    state: State,
    /// Failures since the last answer that was none.
    in_a_row: u32,
    /// Bumped with every such answer: failures of one streak share it.
    streak: u64,
}

#[derive(Debug)]
enum State {
    Closed,
    Open {
        why: String,
        since_ms: UnixMs,
        wait: Duration,
        probe_at: Instant,
    },
    Refused {
        why: String,
        since_ms: UnixMs,
        /// When someone said try, if someone did.
        asked: Option<Instant>,
    },
}

/// What a failure was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// One that counts as an attempt.
    Counts,
    /// The one that opened the breaker: those of its streak don't count after all.
    Opens,
    /// One of an outage: it doesn't count.
    OfOutage,
}

impl Breaker {
    /// A closed one.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Closed,
            in_a_row: 0,
            streak: 0,
        }
    }

    /// Changes its figures.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The number of the streak that a failure would belong to.
    pub fn streak(&self) -> u64 {
        self.streak
    }

    /// What may go out.
    pub fn passage(&self) -> Passage {
        match &self.state {
            State::Closed => Passage::Free,
            State::Open { probe_at, .. } => Passage::Probe(*probe_at),
            State::Refused {
                asked: Some(at), ..
            } => Passage::Probe(*at),
            State::Refused { asked: None, .. } => Passage::None,
        }
    }

    /// The destination answered as one that works. Returns whether an outage ends with that.
    pub fn works(&mut self) -> bool {
        self.in_a_row = 0;
        self.streak += 1;
        !matches!(
            std::mem::replace(&mut self.state, State::Closed),
            State::Closed
        )
    }

    /// A request failed, by a 5xx or without an answer. `after` is when the destination asked
    /// to be tried again.
    pub fn failed(
        &mut self,
        why: &str,
        after: Option<Duration>,
        now: Instant,
        now_ms: UnixMs,
    ) -> Failure {
        self.fail(why, after, self.limits.failures, now, now_ms)
    }

    /// Another server answered in place of the destination.
    pub fn foreign(&mut self, why: &str, now: Instant, now_ms: UnixMs) -> Failure {
        let has_worked = self.streak > 0;
        let most = if has_worked { self.limits.failures } else { 1 };
        self.fail(why, None, most, now, now_ms)
    }

    /// A failure, of which `most` in a row open it.
    fn fail(
        &mut self,
        why: &str,
        after: Option<Duration>,
        most: u32,
        now: Instant,
        now_ms: UnixMs,
    ) -> Failure {
        let limits = self.limits;
        match &mut self.state {
            State::Open {
                why: told,
                wait,
                probe_at,
                ..
            } => {
                why.clone_into(told);
                // Those that were out when it opened come back too: only a probe waits longer.
                if *probe_at <= now {
                    *wait = (*wait * 2).min(limits.longest_probe);
                    *probe_at = now + (*wait).max(after.unwrap_or_default());
                }
                Failure::OfOutage
            }
            State::Refused { .. } => {
                self.open(why, limits.first_probe, after, now, now_ms);
                Failure::OfOutage
            }
            State::Closed => {
                self.in_a_row += 1;
                if self.in_a_row < most {
                    return Failure::Counts;
                }
                self.open(why, limits.first_probe, after, now, now_ms);
                Failure::Opens
            }
        }
    }

    /// The credentials are refused.
    pub fn refused(&mut self, why: &str, now_ms: UnixMs) {
        let since_ms = match &self.state {
            State::Refused { since_ms, .. } => *since_ms,
            _ => now_ms,
        };
        self.state = State::Refused {
            why: why.to_owned(),
            since_ms,
            asked: None,
        };
    }

    /// Someone says try, or the credentials have changed.
    pub fn try_now(&mut self, now: Instant) {
        match &mut self.state {
            State::Closed => {}
            State::Open { probe_at, .. } => *probe_at = now,
            State::Refused { asked, .. } => *asked = Some(now),
        }
    }

    /// How it stands; `in_ms` is the wall clock of a moment.
    pub fn standing(&self, in_ms: impl Fn(Instant) -> UnixMs) -> Standing {
        match &self.state {
            State::Closed => Standing::Closed,
            State::Open {
                why,
                since_ms,
                probe_at,
                ..
            } => Standing::Open {
                why: why.clone(),
                since_ms: *since_ms,
                probe_ms: in_ms(*probe_at),
            },
            State::Refused { why, since_ms, .. } => Standing::Refused {
                why: why.clone(),
                since_ms: *since_ms,
            },
        }
    }

    fn open(
        &mut self,
        why: &str,
        wait: Duration,
        after: Option<Duration>,
        now: Instant,
        now_ms: UnixMs,
    ) {
        let since_ms = match &self.state {
            State::Open { since_ms, .. } => *since_ms,
            _ => now_ms,
        };
        self.state = State::Open {
            why: why.to_owned(),
            since_ms,
            wait,
            probe_at: now + wait.max(after.unwrap_or_default()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> (Breaker, Instant) {
        (Breaker::new(Limits::default()), Instant::now())
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_them_begins_a_new_row() {
        let (mut breaker, now) = breaker();
        for _ in 0..4 {
            assert_eq!(breaker.failed("503", None, now, 0), Failure::Counts);
        }
        assert_eq!(breaker.streak(), 0);
        assert!(!breaker.works());
        for _ in 0..4 {
            assert_eq!(breaker.failed("503", None, now, 0), Failure::Counts);
        }
        assert_eq!(breaker.streak(), 1);
        assert_eq!(breaker.passage(), Passage::Free);
        assert_eq!(breaker.failed("503", None, now, 7), Failure::Opens);
        let probe_at = now + Duration::from_secs(1);
        assert_eq!(breaker.passage(), Passage::Probe(probe_at));
        assert!(matches!(
            breaker.standing(|_| 9),
            Standing::Open { why, since_ms: 7, probe_ms: 9 } if why == "503"
        ));
    }

    #[test]
    fn probes_come_ever_later_and_the_first_that_works_closes_it() {
        let (mut breaker, start) = breaker();
        for _ in 0..5 {
            breaker.failed("503", None, start, 0);
        }
        assert_eq!(
            breaker.failed("504", None, start, 0),
            Failure::OfOutage,
            "one that was out when it opened"
        );
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..7 {
            let Passage::Probe(at) = breaker.passage() else {
                panic!("it is open");
            };
            waits.push((at - now).as_secs());
            now = at;
            assert_eq!(breaker.failed("503", None, now, 0), Failure::OfOutage);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert!(breaker.works());
        assert_eq!(breaker.passage(), Passage::Free);
    }

    #[test]
    fn another_server_opens_it_at_once_until_the_destination_has_ever_answered() {
        let (mut breaker, now) = breaker();
        assert_eq!(breaker.foreign("a page", now, 0), Failure::Opens);
        assert_eq!(breaker.foreign("a page", now, 0), Failure::OfOutage);
        assert!(matches!(breaker.passage(), Passage::Probe(_)));
        breaker.works();
        for _ in 0..4 {
            assert_eq!(breaker.foreign("a page", now, 0), Failure::Counts);
        }
        assert_eq!(breaker.passage(), Passage::Free);
        assert_eq!(breaker.foreign("a page", now, 0), Failure::Opens);
    }

    #[test]
    fn refused_credentials_wait_for_someone() {
        let (mut breaker, now) = breaker();
        breaker.refused("401", 3);
        assert_eq!(breaker.passage(), Passage::None);
        breaker.try_now(now);
        assert!(matches!(breaker.passage(), Passage::Probe(_)));
        breaker.refused("401", 9);
        assert_eq!(breaker.passage(), Passage::None);
        assert!(matches!(
            breaker.standing(|_| 0),
            Standing::Refused { since_ms: 3, .. }
        ));
        breaker.try_now(now);
        assert!(breaker.works());
    }

    #[test]
    fn the_destinations_own_wish_is_kept() {
        let (mut breaker, now) = breaker();
        let after = Some(Duration::from_secs(90));
        for _ in 0..5 {
            breaker.failed("503", after, now, 0);
        }
        assert_eq!(
            breaker.passage(),
            Passage::Probe(now + Duration::from_secs(90))
        );
    }
}
