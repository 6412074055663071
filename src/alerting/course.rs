//! The course of an alert: quiet, firing, recovered.

use std::time::Duration;

use crate::amplitude::time::UnixMs;

use super::state::Level;

/// What becomes of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It fires.
    Firing,
    /// It still fires.
    StillFiring,
    /// It has recovered.
    Recovered,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) status: Status,
    /// When the state began.
    pub(super) since_ms: UnixMs,
    /// What the state is; after a recovery, what it was.
    pub(super) says: String,
}

/// Durations of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub(super) lasts: Duration,
    pub(super) repeat: Duration,
}

/// An alert over time.
#[derive(Debug, Default)]
pub(super) enum Course {
    #[default]
    Quiet,
    /// The state is there, and not for long enough.
    Pending {
        since_ms: UnixMs,
    },
    Firing(Firing),
}

/// An alert that was told.
#[derive(Debug)]
pub(super) struct Firing {
    since_ms: UnixMs,
    told_ms: UnixMs,
    /// Since when it is over.
    clear_ms: Option<UnixMs>,
    says: String,
}

impl Course {
    /// Takes the level at a time. Returns what is to be told.
    pub(super) fn step(&mut self, level: Level, now_ms: UnixMs, timing: Timing) -> Option<Change> {
        match (std::mem::take(self), level) {
            (Self::Quiet, Level::Bad(says)) => self.waits(now_ms, says, now_ms, timing),
            (Self::Pending { since_ms }, Level::Bad(says)) => {
                self.waits(since_ms, says, now_ms, timing)
            }
            (Self::Pending { since_ms }, Level::Between) => {
                *self = Self::Pending { since_ms };
                None
            }
            (Self::Quiet | Self::Pending { .. }, _) => None,
            (Self::Firing(firing), level) => self.fires(firing, level, now_ms, timing),
        }
    }

    /// The state is there, and was not told yet.
    fn waits(
        &mut self,
        since_ms: UnixMs,
        says: String,
        now_ms: UnixMs,
        timing: Timing,
    ) -> Option<Change> {
        if !is_past(since_ms, timing.lasts, now_ms) {
            *self = Self::Pending { since_ms };
            return None;
        }
        let firing = Firing {
            since_ms,
            told_ms: now_ms,
            clear_ms: None,
            says,
        };
        let change = firing.change(Status::Firing);
        *self = Self::Firing(firing);
        Some(change)
    }

    fn fires(
        &mut self,
        mut firing: Firing,
        level: Level,
        now_ms: UnixMs,
        timing: Timing,
    ) -> Option<Change> {
        match level {
            Level::Clear => {
                let clear_ms = *firing.clear_ms.get_or_insert(now_ms);
                if is_past(clear_ms, timing.lasts, now_ms) {
                    return Some(firing.change(Status::Recovered));
                }
                *self = Self::Firing(firing);
                return None;
            }
            Level::Bad(says) => firing.says = says,
            Level::Between => {}
        }
        firing.clear_ms = None;
        let is_due = !timing.repeat.is_zero() && is_past(firing.told_ms, timing.repeat, now_ms);
        let change = is_due.then(|| {
            firing.told_ms = now_ms;
            firing.change(Status::StillFiring)
        });
        *self = Self::Firing(firing);
        change
    }
}

impl Firing {
    fn change(&self, status: Status) -> Change {
        Change {
            status,
            since_ms: self.since_ms,
            says: self.says.clone(),
        }
    }
}

fn is_past(since_ms: UnixMs, time: Duration, now_ms: UnixMs) -> bool {
    now_ms - since_ms >= time.as_millis() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing {
        lasts: Duration::from_secs(10),
        repeat: Duration::from_secs(100),
    };

    /// What is told, by second, of a state that is bad, between or clear in each second.
    fn told(levels: impl IntoIterator<Item = char>) -> Vec<(i64, Status, i64)> {
        let mut course = Course::default();
        let mut told = Vec::new();
        for (second, level) in (0..).zip(levels) {
            let level = match level {
                'b' => Level::Bad("bad".to_owned()),
                '-' => Level::Between,
                _ => Level::Clear,
            };
            if let Some(change) = course.step(level, second * 1_000, TIMING) {
                assert_eq!(change.says, "bad");
                told.push((second, change.status, change.since_ms / 1_000));
            }
        }
        told
    }

    fn times(parts: &[(char, usize)]) -> Vec<char> {
        let parts = parts.iter();
        parts
            .flat_map(|(level, n)| std::iter::repeat_n(*level, *n))
            .collect()
    }

    #[test]
    fn it_fires_after_its_time_repeats_and_recovers() {
        let levels = times(&[('.', 5), ('b', 215), ('.', 20)]);
        assert_eq!(
            told(levels),
            [
                (15, Status::Firing, 5),
                (115, Status::StillFiring, 5),
                (215, Status::StillFiring, 5),
                (230, Status::Recovered, 5),
            ]
        );
    }

    #[test]
    fn a_short_spell_and_a_short_relief_are_not_told() {
        assert_eq!(
            told(times(&[('b', 10), ('.', 1), ('b', 10), ('-', 30)])),
            []
        );
        let levels = times(&[('b', 20), ('.', 9), ('b', 5), ('-', 50), ('.', 9)]);
        assert_eq!(told(levels), [(10, Status::Firing, 0)]);
    }
}
