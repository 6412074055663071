//! Delays between attempts, and the end of retries.

use std::time::Duration;

/// When failed items are tried again; settings from `[delivery]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Maximum attempts. Amplitude makes 10: the first and 9 more.
    pub attempts: u32,
    /// Maximum time spent on attempts and the delays between them. Amplitude: 4 hours.
    pub give_up_after: Duration,
    /// The delay before the second attempt, before jitter.
    pub first_delay: Duration,
    /// Maximum delay.
    pub longest_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 10,
            give_up_after: Duration::from_secs(4 * 3_600),
            first_delay: Duration::from_millis(200),
            longest_delay: Duration::from_secs(3_600),
        }
    }
}

/// Each delay is four times the one before: 0.2 s, 0.8 s, 3 s … 55 min, 1 h. So ten attempts
/// overcome a short failure at once, and still outlast an outage of two hours.
const FACTOR: f64 = 4.0;

impl RetryPolicy {
    /// The delay after failed attempt number `attempt`, from 1; none after the last.
    ///
    /// `tried` is the time spent so far. `random` is from 0 to 1: half of the delay is fixed and
    /// half is jitter, so that forwarders that failed together come back apart.
    pub fn delay(&self, attempt: u32, tried: Duration, random: f64) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let power = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let full = self.first_delay.as_secs_f64() * FACTOR.powi(power);
        let full = full.min(self.longest_delay.as_secs_f64());
        let delay = Duration::from_secs_f64(full * (0.5 + random / 2.0));
        (tried.saturating_add(delay) <= self.give_up_after).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_fourfold_within_their_jitter_up_to_the_longest() {
        let retry = RetryPolicy::default();
        let ms = |attempt, random| {
            retry
                .delay(attempt, Duration::ZERO, random)
                .map(|d| d.as_millis())
        };
        assert_eq!(ms(1, 1.0), Some(200));
        assert_eq!(ms(1, 0.0), Some(100));
        assert_eq!(ms(4, 1.0), Some(12_800));
        assert_eq!(ms(9, 1.0), Some(3_600_000));
        assert_eq!(ms(10, 1.0), None);
    }

    #[test]
    fn all_ten_attempts_fit_into_four_hours_and_none_comes_after() {
        let retry = RetryPolicy::default();
        let mut since = Duration::ZERO;
        for attempt in 1..10 {
            since += retry.delay(attempt, since, 1.0).unwrap();
        }
        assert!(since < retry.give_up_after);
        assert!(
            since > Duration::from_secs(2 * 3_600),
            "an outage of two hours is outlived"
        );
        assert_eq!(retry.delay(2, retry.give_up_after, 0.0), None);
    }
}
