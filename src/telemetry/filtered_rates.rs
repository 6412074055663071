//! Rates of filtered events by reason, over the last few seconds.

use std::collections::VecDeque;

use crate::amplitude::time::UnixMs;
use crate::filter::BlockedBy;
use crate::protocol::FilteredBy;

/// Filtered events by second and reason.
#[derive(Debug, Default)]
pub struct FilteredRates {
    /// Counts by second, the newest last.
    seconds: VecDeque<(i64, FilteredBy<u64>)>,
}

impl FilteredRates {
    /// Counts an event that was filtered out at `now_ms`. Where the clock was set back it counts
    /// for the newest second.
    pub fn add(&mut self, by: &BlockedBy, now_ms: UnixMs) {
        let second = now_ms.div_euclid(1_000);
        if self.seconds.back().is_none_or(|(last, _)| *last < second) {
            self.seconds.push_back((second, FilteredBy::default()));
        }
        if let Some((_, counts)) = self.seconds.back_mut() {
            *counts.of_mut(by) += 1;
        }
    }

    /// Events a second over the last `seconds` whole seconds. Older counts are dropped.
    pub fn rates(&mut self, now_ms: UnixMs, seconds: usize) -> FilteredBy<f64> {
        let now = now_ms.div_euclid(1_000);
        let from = now - seconds as i64;
        while self.seconds.front().is_some_and(|(at, _)| *at < from) {
            self.seconds.pop_front();
        }
        let mut sums = FilteredBy::<u64>::default();
        for (_, counts) in self.seconds.iter().filter(|(at, _)| *at < now) {
            sums.event_type += counts.event_type;
            sums.rule += counts.rule;
            sums.gate += counts.gate;
            sums.property_update += counts.property_update;
        }
        let rate = |count: u64| count as f64 / seconds.max(1) as f64;
        FilteredBy {
            event_type: rate(sums.event_type),
            rule: rate(sums.rule),
            gate: rate(sums.gate),
            property_update: rate(sums.property_update),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_last_whole_seconds_by_reason() {
        let mut rates = FilteredRates::default();
        for second in 0..10 {
            rates.add(&BlockedBy::Type, second * 1_000);
            rates.add(&BlockedBy::UnseenType, second * 1_000 + 900);
        }
        rates.add(&BlockedBy::Shut, 9_000);
        // The second that is not over does not count.
        let expected = FilteredBy {
            event_type: 2.0,
            ..FilteredBy::default()
        };
        assert_eq!(rates.rates(9_500, 3), expected);
        assert_eq!(rates.rates(60_000, 3), FilteredBy::default());
        // The clock was set back: nothing is lost, and nothing panics.
        rates.add(&BlockedBy::Shut, 5_000);
        rates.add(&BlockedBy::Shut, 1_000);
        assert!((rates.rates(6_000, 2).gate - 1.0).abs() < f64::EPSILON);
    }
}
