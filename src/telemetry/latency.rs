//! Latencies of the last minutes.

use hdrhistogram::Histogram;

use crate::amplitude::time::UnixMs;
use crate::protocol::{LATENCY_BANDS_MS, LatencyBands, LatencyRow};

/// Length of each of the two halves that are kept: percentiles cover five to ten minutes.
const HALF_MS: i64 = 5 * 60 * 1_000;
/// Maximum duration of retries, in milliseconds: four hours.
const LONGEST_MS: u64 = 4 * 3_600 * 1_000;

/// A rolling distribution of milliseconds.
#[derive(Debug)]
pub struct Latency {
    now: Histogram<u64>,
    before: Histogram<u64>,
    since: Option<UnixMs>,
}

impl Default for Latency {
    fn default() -> Self {
        // Two significant digits: 84 ms differs from 85 ms, 8.4 s from 8.5 s.
        let new = || Histogram::new_with_bounds(1, LONGEST_MS, 2).expect("the bounds are in order");
        Self {
            now: new(),
            before: new(),
            since: None,
        }
    }
}

impl Latency {
    /// Adds a latency.
    pub fn add(&mut self, ms: u64, now_ms: UnixMs) {
        let since = *self.since.get_or_insert(now_ms);
        if now_ms - since >= HALF_MS {
            std::mem::swap(&mut self.now, &mut self.before);
            self.now.reset();
            self.since = Some(now_ms);
        }
        self.now.saturating_record(ms.clamp(1, LONGEST_MS));
    }

    /// Its percentiles.
    pub fn row(&self) -> LatencyRow {
        let all = self.all();
        LatencyRow {
            count: all.len(),
            p50_ms: all.value_at_quantile(0.50),
            p95_ms: all.value_at_quantile(0.95),
            p99_ms: all.value_at_quantile(0.99),
        }
    }

    /// Its counts by band.
    pub fn bands(&self) -> LatencyBands {
        let mut bands = LatencyBands::default();
        for half in [&self.before, &self.now] {
            for value in half.iter_recorded() {
                let ms = value.value_iterated_to();
                let band = LATENCY_BANDS_MS.iter().position(|most| ms <= *most);
                bands[band.unwrap_or(LATENCY_BANDS_MS.len())] += value.count_at_value();
            }
        }
        bands
    }

    fn all(&self) -> Histogram<u64> {
        let mut all = self.before.clone();
        // Both have the same bounds.
        let _ = all.add(&self.now);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_cover_only_the_last_minutes() {
        let mut latency = Latency::default();
        for ms in 1..=100 {
            latency.add(ms, 0);
        }
        let row = latency.row();
        assert_eq!((row.count, row.p50_ms, row.p95_ms), (100, 50, 95));
        latency.add(7, HALF_MS);
        latency.add(7, 2 * HALF_MS);
        assert_eq!(latency.row().count, 2);
    }
    #[test]
    fn each_latency_is_in_one_band() {
        let mut latency = Latency::default();
        for (ms, times) in [(1, 1), (10, 2), (11, 3), (480, 4), (70_000, 5)] {
            for _ in 0..times {
                latency.add(ms, 0);
            }
        }
        // The other half counts too.
        latency.add(1, HALF_MS);
        let bands = latency.bands();
        assert_eq!(bands, [4, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 5]);
        assert_eq!(bands.iter().sum::<u64>(), latency.row().count);
    }
}
