//! A range of time.

use crate::amplitude::time::{self, UnixMs};

/// A range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// Its start.
    pub from_ms: UnixMs,
    /// Its end, which is no longer in it.
    pub to_ms: UnixMs,
}

impl TimeRange {
    /// The shortest range that contains both.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self {
            from_ms: self.from_ms.min(other.from_ms),
            to_ms: self.to_ms.max(other.to_ms),
        }
    }

    /// Whether a time is in it.
    pub fn contains(self, at_ms: UnixMs) -> bool {
        (self.from_ms..self.to_ms).contains(&at_ms)
    }

    /// Its length in milliseconds.
    pub fn length_ms(self) -> i64 {
        self.to_ms - self.from_ms
    }

    /// Its times: `12:04:31–12:05:30`.
    pub fn label(self) -> String {
        let [from, to] = [self.from_ms, self.to_ms].map(time::to_clock_seconds);
        format!("{from}–{to}")
    }
}
