//! Durations counted in fixed buckets since the start, for monitoring systems that compare moments.

use serde::{Deserialize, Serialize};

/// The upper bounds of the buckets, in milliseconds: from an answer at once to four hours of retries.
pub const BUCKET_BOUNDS_MS: [u64; 16] = [
    5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000,
    14_400_000,
];

/// Durations by bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DurationBuckets {
    /// Durations above the bound before, up to the bound of the same index; the last have no bound.
    pub counts: [u64; BUCKET_BOUNDS_MS.len() + 1],
    /// Their sum, in milliseconds.
    pub sum_ms: u64,
}

impl DurationBuckets {
    /// Counts a duration.
    pub fn add(&mut self, ms: u64) {
        let bucket = BUCKET_BOUNDS_MS.partition_point(|bound| *bound < ms);
        self.counts[bucket] += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    /// Adds those of another.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
    }

    /// The number of durations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_holds_it() {
        let mut buckets = DurationBuckets::default();
        for ms in [0, 5, 6, 14_400_000, 14_400_001] {
            buckets.add(ms);
        }
        assert_eq!((buckets.counts[0], buckets.counts[1]), (2, 1));
        assert_eq!((buckets.counts[15], buckets.counts[16]), (1, 1));
        assert_eq!((buckets.count(), buckets.sum_ms), (5, 28_800_012));
    }
}
