//! The log of stories that changed, for those who keep a copy of the ring elsewhere.

use std::collections::VecDeque;
use std::sync::Arc;

/// Changes that are kept: some seconds at full speed. Who is further behind has missed some.
const KEPT: usize = 65_536;

/// The numbers of records whose stories changed. Nothing is kept as long as nobody follows.
#[derive(Debug, Default)]
pub struct StoryChanges {
    changed: VecDeque<u64>,
    /// The number of changes that are no longer kept.
    gone: u64,
    followers: Arc<()>,
}

/// Somebody who follows the changes, and how far they have come.
#[derive(Debug)]
pub struct Follower {
    next: u64,
    /// Counts them.
    _one: Arc<()>,
}

impl StoryChanges {
    /// Follows the changes from now on.
    pub fn follow(&self) -> Follower {
        Follower {
            next: self.gone + self.changed.len() as u64,
            _one: self.followers.clone(),
        }
    }

    /// Whether changes are gone that `follower` has not seen.
    pub fn has_missed(&self, follower: &Follower) -> bool {
        follower.next < self.gone
    }

    pub(super) fn add(&mut self, sequence: u64) {
        if Arc::strong_count(&self.followers) == 1 {
            self.gone += self.changed.len() as u64;
            self.changed.clear();
            return;
        }
        self.changed.push_back(sequence);
        if self.changed.len() > KEPT {
            self.changed.pop_front();
            self.gone += 1;
        }
    }

    /// Up to `most` changes that `follower` has not seen.
    pub fn next(&self, follower: &mut Follower, most: usize) -> Vec<u64> {
        let from = follower.next.max(self.gone);
        let skipped = (from - self.gone) as usize;
        let new: Vec<u64> = self
            .changed
            .iter()
            .skip(skipped)
            .take(most)
            .copied()
            .collect();
        follower.next = from + new.len() as u64;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_see_each_change_once_and_without_them_none_is_kept() {
        let mut changes = StoryChanges::default();
        changes.add(1);
        let mut first = changes.follow();
        assert!(changes.next(&mut first, 9).is_empty());
        (2..=4).for_each(|sequence| changes.add(sequence));
        let mut second = changes.follow();
        changes.add(5);
        assert_eq!(changes.next(&mut first, 2), [2, 3]);
        assert_eq!(changes.next(&mut first, 9), [4, 5]);
        assert_eq!(changes.next(&mut second, 9), [5]);
        for sequence in 0..KEPT as u64 + 10 {
            changes.add(sequence);
        }
        assert!(changes.has_missed(&first));
        assert_eq!(changes.next(&mut first, 1), [10], "the oldest are gone");
        assert!(!changes.has_missed(&first));
        drop((first, second));
        changes.add(6);
        assert!(changes.changed.is_empty());
    }
}
