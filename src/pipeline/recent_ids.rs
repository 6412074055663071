//! The dedupe ids of the events that were accepted last.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

/// The newest dedupe ids, up to a maximum.
#[derive(Debug)]
pub(super) struct RecentIds {
    ids: FxHashSet<u128>,
    order: VecDeque<u128>,
    max: usize,
}

impl RecentIds {
    /// Creates a set of at most `max` ids.
    pub(super) fn new(max: usize) -> Self {
        Self {
            ids: FxHashSet::default(),
            order: VecDeque::new(),
            max,
        }
    }

    /// Whether `id` is among them.
    pub(super) fn contains(&self, id: u128) -> bool {
        self.ids.contains(&id)
    }

    /// Adds an id, and removes the oldest one if there are too many.
    pub(super) fn insert(&mut self, id: u128) {
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}
