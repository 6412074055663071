//! Chooses one item of each interval, each with the same chance, in constant memory.

use crate::amplitude::time::UnixMs;

/// One item of the current interval.
#[derive(Debug)]
pub(super) struct Reservoir<T> {
    /// The length of an interval, in milliseconds.
    every_ms: i64,
    /// The end of the current interval; none before the first item.
    ends_ms: Option<UnixMs>,
    /// Items of the interval so far.
    seen: u64,
    kept: Option<T>,
}

impl<T> Reservoir<T> {
    /// Chooses `per_minute` items a minute, at least one.
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            every_ms: 60_000 / i64::from(per_minute.max(1)),
            ends_ms: None,
            seen: 0,
            kept: None,
        }
    }

    /// Offers an item. `below` returns a random number below its argument.
    pub(super) fn offer(
        &mut self,
        now: UnixMs,
        below: impl FnOnce(u64) -> u64,
        item: impl FnOnce() -> T,
    ) {
        self.ends_ms.get_or_insert(now + self.every_ms);
        self.seen += 1;
        if below(self.seen) == 0 {
            self.kept = Some(item());
        }
    }

    /// The item of the interval, if that has ended.
    pub(super) fn take(&mut self, now: UnixMs) -> Option<T> {
        let ends_ms = self.ends_ms?;
        // A clock that was set back must not stop it.
        if now < ends_ms && now >= ends_ms - self.every_ms {
            return None;
        }
        (self.ends_ms, self.seen) = (None, 0);
        self.kept.take()
    }
}
