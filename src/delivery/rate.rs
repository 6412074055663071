//! How fast requests go out: never faster than the settings say, and slower where Customer.io
//! answers 429. The rate is halved by each round of those, and grows back evenly while requests
//! are taken (additive increase, multiplicative decrease, as TCP does).

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// Answers of one overload come together: they halve the rate once.
const ROUND: Duration = Duration::from_secs(1);
/// From nothing to the most in this time, were it never throttled.
const RECOVERY: Duration = Duration::from_secs(60);
/// However often it is halved, this is left, in requests a second.
const LEAST: f64 = 0.5;

/// The rate, and when the next request is due.
#[derive(Debug)]
pub struct Rate {
    most: f64,
    per_second: f64,
    /// When the next request would go out if all were evenly spaced.
    even: Instant,
    throttled: Option<Instant>,
    grown: Instant,
}

impl Rate {
    /// A rate that begins with the most that is allowed, in requests a second.
    pub fn new(most: NonZeroU32, now: Instant) -> Self {
        let most = f64::from(most.get());
        Self {
            most,
            per_second: most,
            even: now,
            throttled: None,
            grown: now,
        }
    }

    /// Sets the most that is allowed. What was learned stays, below it.
    pub fn set_most(&mut self, most: NonZeroU32) {
        let most = f64::from(most.get());
        if self.per_second >= self.most {
            self.per_second = most;
        }
        self.most = most;
        self.per_second = self.per_second.min(most);
    }

    /// When the next request may go out. A tenth of a second's worth may go at once: enough
    /// for many people, no storm.
    pub fn ready_at(&self) -> Option<Instant> {
        let ahead = (self.per_second / 10.0).max(1.0) - 1.0;
        self.even
            .checked_sub(Duration::from_secs_f64(ahead / self.per_second))
    }

    /// A request goes out.
    pub fn sent(&mut self, now: Instant) {
        self.even = self.even.max(now) + Duration::from_secs_f64(1.0 / self.per_second);
    }

    /// A request was answered 429.
    pub fn throttled(&mut self, now: Instant) {
        if self.throttled.is_none_or(|at| now - at >= ROUND) {
            self.throttled = Some(now);
            self.per_second = (self.per_second / 2.0).max(LEAST.min(self.most));
        }
        self.grown = now;
    }

    /// A request was taken.
    pub fn taken(&mut self, now: Instant) {
        // Pauses between requests teach nothing.
        let passed = now.duration_since(self.grown).min(ROUND);
        let more = self.most * passed.as_secs_f64() / RECOVERY.as_secs_f64();
        self.per_second = (self.per_second + more).min(self.most);
        self.grown = now;
    }

    /// Requests a second.
    pub fn per_second(&self) -> f64 {
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(most: u32, now: Instant) -> Rate {
        Rate::new(NonZeroU32::new(most).unwrap(), now)
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
        rate.taken(at(4));
        assert!(rate.per_second() > before);
        for second in 5..60 {
            rate.taken(at(second));
        }
        assert!(
            (rate.per_second() - 100.0).abs() < 0.01,
            "never above the most"
        );
        for second in 100..200 {
            rate.throttled(at(second * 2));
        }
        assert!((rate.per_second() - LEAST).abs() < 0.01);
    }

    #[test]
    fn another_setting_keeps_what_was_learned_below_it() {
        let now = Instant::now();
        let mut rate = rate(100, now);
        rate.set_most(NonZeroU32::new(200).unwrap());
        assert!(
            (rate.per_second() - 200.0).abs() < 0.01,
            "nothing was learned"
        );
        rate.throttled(now);
        rate.set_most(NonZeroU32::new(300).unwrap());
        assert!((rate.per_second() - 100.0).abs() < 0.01);
        rate.set_most(NonZeroU32::new(10).unwrap());
        assert!((rate.per_second() - 10.0).abs() < 0.01);
    }
}
