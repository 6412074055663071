//! Detection of jumps of the wall clock.

use std::time::Instant;

use crate::amplitude::time::UnixMs;
use crate::text::duration;

/// Minimum jump, in milliseconds: smaller corrections keep clocks in sync.
const TOLERANCE_MS: i64 = 5_000;

/// Compares the wall clock with the monotonic clock.
#[derive(Debug, Default)]
pub struct Clock {
    before: Option<(Instant, UnixMs)>,
}

impl Clock {
    /// Compares both clocks. Returns a notice where the wall clock has jumped since the last call.
    pub fn check(&mut self, now: Instant, now_ms: UnixMs) -> Option<String> {
        let (then, then_ms) = self.before.replace((now, now_ms))?;
        let passed_ms = now.duration_since(then).as_millis() as i64;
        let jumped_ms = now_ms - then_ms - passed_ms;
        if jumped_ms.abs() < TOLERANCE_MS {
            return None;
        }
        let by = duration(jumped_ms.abs());
        Some(if jumped_ms < 0 {
            format!("the clock was set back by {by}: retries use the monotonic clock")
        } else {
            format!(
                "the clock was set ahead by {by}, or this machine slept: ages and lags include it"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_jump_is_reported_once_and_a_correction_is_not() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut clock = Clock::default();
        assert_eq!(clock.check(at(0), 1_000_000), None);
        assert_eq!(clock.check(at(1), 1_002_000), None);
        let back = clock.check(at(2), 1_003_000 - 3_600_000).unwrap();
        let hour = duration(3_600_000);
        assert!(back.contains(&format!("set back by {hour}")), "{back}");
        assert_eq!(clock.check(at(3), 1_004_000 - 3_600_000), None);
        let ahead = clock.check(at(4), 1_005_000).unwrap();
        assert!(ahead.contains(&format!("set ahead by {hour}")), "{ahead}");
    }
}
