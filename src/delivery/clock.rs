//! A moment by both clocks.

use tokio::time::Instant;

use crate::amplitude::time::{self, UnixMs};

/// A moment by the monotonic clock, and by the wall clock, which may jump.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// For durations and timers.
    pub at: Instant,
    /// For people, and for what outlives this run.
    pub ms: UnixMs,
}

impl Moment {
    /// Reads both clocks.
    pub fn now() -> Self {
        Self {
            at: Instant::now(),
            ms: time::now(),
        }
    }

    /// The wall-clock time of a later instant.
    pub fn wall_ms(&self, at: Instant) -> UnixMs {
        self.ms + at.saturating_duration_since(self.at).as_millis() as i64
    }
}
