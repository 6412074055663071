//! The events that were left out lately.

use std::collections::VecDeque;
use std::ops::Range;

/// Maximum ranges that are kept: of five a second those of some minutes.
const KEPT: usize = 1_024;

/// The events that were left out lately, by their sequence numbers.
#[derive(Debug, Default)]
pub(super) struct Skipped(VecDeque<Range<u64>>);

impl Skipped {
    /// Adds events that come after all earlier ones.
    pub(super) fn add(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        match self.0.back_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.0.push_back(range),
        }
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    pub(super) fn contains(&self, sequence: u64) -> bool {
        let after = self.0.partition_point(|range| range.start <= sequence);
        let range = after.checked_sub(1).and_then(|index| self.0.get(index));
        range.is_some_and(|range| range.contains(&sequence))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_and_the_oldest_are_forgotten() {
        let mut skipped = Skipped::default();
        for range in [3..3, 5..8, 8..10, 20..30] {
            skipped.add(range);
        }
        let found: Vec<u64> = (0..35).filter(|n| skipped.contains(*n)).collect();
        let expected: Vec<u64> = (5..10).chain(20..30).collect();
        assert_eq!(found, expected);
        for n in 0..KEPT as u64 {
            skipped.add(100 + 2 * n..101 + 2 * n);
        }
        assert!(!skipped.contains(25) && skipped.contains(100) && !skipped.contains(101));
    }
}
