//! The rate of requests: never above the configured limit, and lower where Customer.io answers 429.
//! Each round of 429s halves it, and it grows back evenly while requests succeed (additive
//! increase, multiplicative decrease, as in TCP).

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// The answers of one overload arrive together: 429s within this time halve the rate once.
const ROUND: Duration = Duration::from_secs(1);
/// Time in which the rate would grow from zero to the limit.
const RECOVERY: Duration = Duration::from_secs(60);
/// Minimum rate after any number of halvings, in requests a second.
const MIN_PER_SECOND: f64 = 0.5;

/// Limits the rate of requests.
#[derive(Debug)]
pub struct RateLimiter {
    /// The configured limit, in requests a second.
    limit: f64,
    per_second: f64,
    /// When the next request would be sent if all were evenly spaced.
    next_slot: Instant,
    /// When the rate was last halved.
    throttled: Option<Instant>,
    /// When the rate last grew.
    grown: Instant,
}

impl RateLimiter {
    /// Creates a limiter that starts at the limit, in requests a second.
    pub fn new(limit: NonZeroU32, now: Instant) -> Self {
        let limit = f64::from(limit.get());
        Self {
            limit,
            per_second: limit,
            next_slot: now,
            throttled: None,
            grown: now,
        }
    }

    /// Changes the limit. A rate that was learned below it is kept.
    pub fn set_limit(&mut self, limit: NonZeroU32) {
        let limit = f64::from(limit.get());
        if self.per_second >= self.limit {
            self.per_second = limit;
        }
        self.limit = limit;
        self.per_second = self.per_second.min(limit);
    }

    /// When the next request may be sent. Bursts of up to a tenth of a second's worth are
    /// allowed: enough for many people, and no storm.
    pub fn ready_at(&self) -> Option<Instant> {
        let burst = (self.per_second / 10.0).max(1.0) - 1.0;
        self.next_slot
            .checked_sub(Duration::from_secs_f64(burst / self.per_second))
    }

    /// Records that a request is sent.
    pub fn sent(&mut self, now: Instant) {
        self.next_slot = self.next_slot.max(now) + Duration::from_secs_f64(1.0 / self.per_second);
    }

    /// Records a 429.
    pub fn throttled(&mut self, now: Instant) {
        if self.throttled.is_none_or(|at| now - at >= ROUND) {
            self.throttled = Some(now);
            self.per_second = (self.per_second / 2.0).max(MIN_PER_SECOND.min(self.limit));
        }
        self.grown = now;
    }

    /// Records a request that succeeded.
    pub fn succeeded(&mut self, now: Instant) {
        // Pauses between requests don't raise the rate.
        let passed = now.duration_since(self.grown).min(ROUND);
        let increase = self.limit * passed.as_secs_f64() / RECOVERY.as_secs_f64();
        self.per_second = (self.per_second + increase).min(self.limit);
        self.grown = now;
    }

    /// The current rate, in requests a second.
    pub fn per_second(&self) -> f64 {
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(most: u32, now: Instant) -> RateLimiter {
        RateLimiter::new(NonZeroU32::new(most).unwrap(), now)
    }

    #[test]
    fn requests_are_spaced_evenly_after_a_tenth_of_a_seconds_worth() {
        let start = Instant::now();
        let mut rate = rate(100, start);
        let mut now = start;
        for _ in 0..210 {
            now = now.max(rate.ready_at().unwrap_or(now));
            rate.sent(now);
        }
        let took = (now - start).as_millis();
        assert!((1_990..=2_010).contains(&took), "{took} ms");
    }

    #[test]
    fn a_round_of_429s_halves_the_rate_once_and_success_brings_it_back() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut rate = rate(100, start);
        for _ in 0..16 {
            rate.throttled(at(1));
        }
        assert!((rate.per_second() - 50.0).abs() < 0.01);
        rate.throttled(at(3));
        assert!((rate.per_second() - 25.0).abs() < 0.01);
        let before = rate.per_second();
        rate.succeeded(at(4));
        assert!(rate.per_second() > before);
        for second in 5..60 {
            rate.succeeded(at(second));
        }
        assert!(
            (rate.per_second() - 100.0).abs() < 0.01,
            "never above the most"
        );
        for second in 100..200 {
            rate.throttled(at(second * 2));
        }
        assert!((rate.per_second() - MIN_PER_SECOND).abs() < 0.01);
    }

    #[test]
    fn another_setting_keeps_what_was_learned_below_it() {
        let now = Instant::now();
        let mut rate = rate(100, now);
        rate.set_limit(NonZeroU32::new(200).unwrap());
        assert!(
            (rate.per_second() - 200.0).abs() < 0.01,
            "nothing was learned"
        );
        rate.throttled(now);
        rate.set_limit(NonZeroU32::new(300).unwrap());
        assert!((rate.per_second() - 100.0).abs() < 0.01);
        rate.set_limit(NonZeroU32::new(10).unwrap());
        assert!((rate.per_second() - 10.0).abs() < 0.01);
    }
}
