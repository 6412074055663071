//! The dedupe ids of the events that were accepted last.

use std::mem;

use rustc_hash::FxHashSet;

/// The newest dedupe ids: at least the last `max` ones, and at most twice as many.
///
/// They are in two generations, of which the older one is forgotten as a whole: so nothing is removed
/// one by one.
#[derive(Debug)]
pub(super) struct RecentIds {
    new: FxHashSet<u128>,
    old: FxHashSet<u128>,
    max: usize,
}

impl RecentIds {
    /// Creates a set of at least the last `max` ids.
    pub(super) fn new(max: usize) -> Self {
        Self {
            new: FxHashSet::default(),
            old: FxHashSet::default(),
            max,
        }
    }

    /// Whether `id` is among them.
    pub(super) fn contains(&self, id: u128) -> bool {
        self.new.contains(&id) || self.old.contains(&id)
    }

    /// Adds an id.
    pub(super) fn insert(&mut self, id: u128) {
        if self.new.len() >= self.max {
            mem::swap(&mut self.new, &mut self.old);
            self.new.clear();
        }
        self.new.insert(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_ids_are_remembered_and_old_ones_forgotten() {
        let mut ids = RecentIds::new(100);
        for id in 0..1_000 {
            assert!(!ids.contains(id));
            ids.insert(id);
            let remembered = (id.saturating_sub(99)..=id).all(|id| ids.contains(id));
            assert!(remembered, "after {id}");
            let kept = ids.new.len() + ids.old.len();
            assert!(kept <= 200, "{kept} are kept");
        }
        assert!(!ids.contains(700));
    }
}
