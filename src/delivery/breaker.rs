//! The circuit breaker of the whole destination.
//!
//! Where requests fail one after the other, whatever they carry, the destination is down: the
//! breaker opens, one probe at a time checks whether the destination is back, and no event uses up
//! an attempt. Where the credentials are refused, nothing is sent until they change or someone
//! requests a retry.
//!
//! An answer of another server opens the breaker at once as long as the destination never
//! answered: the address or the network is wrong. Once the destination has answered, a proxy may
//! only reject that one request. Such answers then count like other failures: a request that fails
//! while others succeed must not stop delivery.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::amplitude::time::UnixMs;

use super::clock::Moment;

/// Settings of the breaker, from `[delivery]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures: u32,
    /// Delay before the first probe; it doubles with each further one.
    pub first_probe: Duration,
    /// Maximum delay between probes.
    pub longest_probe: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            first_probe: Duration::from_secs(1),
            longest_probe: Duration::from_secs(30),
        }
    }
}

/// The state of the breaker, as it is published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Requests are sent.
    #[default]
    Closed,
    /// The destination is down: only probes are sent.
    Open {
        /// The reason.
        why: String,
        /// Since when.
        since_ms: UnixMs,
        /// When the next probe is sent.
        probe_ms: UnixMs,
    },
    /// The credentials are refused: nothing is sent until they change, or a retry is requested.
    Refused {
        /// The reason, and what to do.
        why: String,
        /// Since when.
        since_ms: UnixMs,
    },
}

impl BreakerState {
    /// The reason why requests are not sent freely; none while the breaker is closed.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Closed => None,
            Self::Open { why, .. } | Self::Refused { why, .. } => Some(why),
        }
    }
}

/// Requests that may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Any.
    Any,
    /// One request from this moment on, while no other is in flight.
    Probe(Instant),
    /// No request.
    None,
}

/// A circuit breaker.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
    /// Failures since the destination last worked.
    in_a_row: u32,
    /// Incremented whenever the destination works: failures of one streak share it.
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
        /// When a retry was requested, if one was.
        requested: Option<Instant>,
    },
}

/// The effect of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It counts as an attempt.
    Counts,
    /// It opened the breaker: the failures of its streak don't count after all.
    Opens,
    /// The destination was down already: it doesn't count.
    OfOutage,
}

impl Breaker {
    /// Creates a closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed,
            in_a_row: 0,
            streak: 0,
        }
    }

    /// Changes its settings.
    pub fn configure(&mut self, settings: BreakerSettings) {
        self.settings = settings;
    }

    /// The number of the streak that a failure would belong to.
    pub fn streak(&self) -> u64 {
        self.streak
    }

    /// Requests that may be sent.
    pub fn permit(&self) -> Permit {
        match &self.state {
            State::Closed => Permit::Any,
            State::Open { probe_at, .. } => Permit::Probe(*probe_at),
            State::Refused {
                requested: Some(at),
                ..
            } => Permit::Probe(*at),
            State::Refused {
                requested: None, ..
            } => Permit::None,
        }
    }

    /// Records that the destination works. Returns whether this ends an outage.
    pub fn works(&mut self) -> bool {
        self.in_a_row = 0;
        self.streak += 1;
        !matches!(
            std::mem::replace(&mut self.state, State::Closed),
            State::Closed
        )
    }

    /// Records a failed request: a 5xx, or no answer. `after` is the pause that the destination
    /// asks for.
    pub fn failed(&mut self, why: &str, after: Option<Duration>, now: Moment) -> Failure {
        self.fail(why, after, self.settings.failures, now)
    }

    /// Records an answer of another server in place of the destination.
    pub fn foreign(&mut self, why: &str, now: Moment) -> Failure {
        let has_worked = self.streak > 0;
        let threshold = if has_worked {
            self.settings.failures
        } else {
            1
        };
        self.fail(why, None, threshold, now)
    }

    /// Counts a failure; `threshold` of them in a row open the breaker.
    fn fail(&mut self, why: &str, after: Option<Duration>, threshold: u32, now: Moment) -> Failure {
        let settings = self.settings;
        match &mut self.state {
            State::Open {
                why: shown,
                wait,
                probe_at,
                ..
            } => {
                why.clone_into(shown);
                // Requests that were in flight when it opened fail too: only a probe doubles the delay.
                if *probe_at <= now.at {
                    *wait = (*wait * 2).min(settings.longest_probe);
                    *probe_at = now.at + (*wait).max(after.unwrap_or_default());
                }
                Failure::OfOutage
            }
            State::Refused { .. } => {
                self.open(why, after, now);
                Failure::OfOutage
            }
            State::Closed => {
                self.in_a_row += 1;
                if self.in_a_row < threshold {
                    return Failure::Counts;
                }
                self.open(why, after, now);
                Failure::Opens
            }
        }
    }

    /// Records that the credentials are refused.
    pub fn refused(&mut self, why: &str, now_ms: UnixMs) {
        let since_ms = match &self.state {
            State::Refused { since_ms, .. } => *since_ms,
            _ => now_ms,
        };
        self.state = State::Refused {
            why: why.to_owned(),
            since_ms,
            requested: None,
        };
    }

    /// Sends a probe now: a retry was requested, or the credentials have changed.
    pub fn try_now(&mut self, now: Instant) {
        match &mut self.state {
            State::Closed => {}
            State::Open { probe_at, .. } => *probe_at = now,
            State::Refused { requested, .. } => *requested = Some(now),
        }
    }

    /// The state to publish; `wall_ms` converts an instant to the wall clock.
    pub fn published(&self, wall_ms: impl Fn(Instant) -> UnixMs) -> BreakerState {
        match &self.state {
            State::Closed => BreakerState::Closed,
            State::Open {
                why,
                since_ms,
                probe_at,
                ..
            } => BreakerState::Open {
                why: why.clone(),
                since_ms: *since_ms,
                probe_ms: wall_ms(*probe_at),
            },
            State::Refused { why, since_ms, .. } => BreakerState::Refused {
                why: why.clone(),
                since_ms: *since_ms,
            },
        }
    }

    fn open(&mut self, why: &str, after: Option<Duration>, now: Moment) {
        let wait = self.settings.first_probe;
        self.state = State::Open {
            why: why.to_owned(),
            since_ms: now.ms,
            wait,
            probe_at: now.at + wait.max(after.unwrap_or_default()),
        };
    }
}

#[cfg(test)]
mod tests;
