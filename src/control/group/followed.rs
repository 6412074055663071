//! A member of a group that is followed.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::control::mirror::{Mirror, MirrorEnds, Transfer};
use crate::jetstream::Connection;
use crate::protocol::{Record, Snapshot, Story};
use crate::telemetry::story_changes::Follower;

use super::bridge::{Bridge, BridgeError};

/// Maximum bytes of a member's recent events that wait to be taken over, and of those that it remembers at
/// the start.
const RING_BYTES: usize = 8 << 20;
/// Maximum story changes that are taken over at a time.
const MAX_CHANGES: usize = 16_384;

/// A member that is followed, until this is dropped.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) ends: MirrorEnds,
    pub(super) bridge: Bridge,
    follower: Follower,
    /// The number of its next event, as it is there.
    next: u64,
    pub(super) numbers: Numbers,
    task: JoinHandle<()>,
}

/// The numbers of a member's events there and here, in order.
#[derive(Debug, Default)]
pub(super) struct Numbers(VecDeque<(u64, u64)>);

impl Numbers {
    /// An event with the number `there` has the number `here`.
    pub(super) fn add(&mut self, there: u64, here: u64) {
        self.0.push_back((there, here));
    }

    /// Forgets the events before the number `first` here.
    pub(super) fn forget_before(&mut self, first: u64) {
        while self.0.front().is_some_and(|(_, here)| *here < first) {
            self.0.pop_front();
        }
    }

    /// The number here of an event with this number there.
    pub(super) fn here(&self, there: u64) -> Option<u64> {
        let index = self.0.binary_search_by_key(&there, |(there, _)| *there);
        index.ok().map(|index| self.0[index].1)
    }
}

impl Followed {
    /// Follows a member from now on.
    pub(super) fn start(connection: Connection, name: &str) -> Result<Self, BridgeError> {
        let bridge = Bridge::open(connection, name)?;
        let client = bridge.client().clone();
        let (mirror, ends) = Mirror::new(client, RING_BYTES, Transfer::default());
        let follower = ends.ring.lock().story_changes().follow();
        Ok(Self {
            ends,
            bridge,
            follower,
            next: 1,
            numbers: Numbers::default(),
            task: tokio::spawn(mirror.run()),
        })
    }

    /// The events that have come since the last time.
    pub(super) fn new_records(&mut self) -> Vec<Record> {
        let ring = self.ends.ring.lock();
        let records: Vec<Record> = ring.from(self.next).cloned().collect();
        self.next = ring.end().max(self.next);
        records
    }

    /// The stories of events taken over earlier that have changed since the last time, with their numbers
    /// here.
    pub(super) fn changed_stories(&mut self) -> Vec<(u64, Story)> {
        let mut ring = self.ends.ring.lock();
        let log = ring.story_changes();
        let mut changed = log.next(&mut self.follower, MAX_CHANGES);
        changed.sort_unstable();
        changed.dedup();
        let story = |there| {
            let here = self.numbers.here(there)?;
            Some((here, ring.get(there)?.story.clone()))
        };
        changed.into_iter().filter_map(story).collect()
    }

    /// Its state, with the numbers of events here. None before there is one.
    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        let newest = self.ends.snapshots.borrow().clone();
        newest.mode?;
        let mut snapshot = Snapshot::clone(&newest);
        for limit in Arc::make_mut(&mut snapshot.limits) {
            let here = self.numbers.here(limit.last_sequence);
            limit.last_sequence = here.unwrap_or_default();
        }
        Some(snapshot)
    }

    /// Why it is not connected, if it isn't.
    pub(super) fn lost(&self) -> Option<String> {
        let snapshot = self.ends.snapshots.borrow();
        match &snapshot.link {
            None => Some("its control API is being connected".to_owned()),
            Some(link) => link.lost.as_ref().map(|(why, _)| why.clone()),
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_until_they_are_forgotten() {
        let mut numbers = Numbers::default();
        for (there, here) in [(3, 10), (4, 12), (9, 13)] {
            numbers.add(there, here);
        }
        assert_eq!(numbers.here(4), Some(12));
        assert_eq!((numbers.here(5), numbers.here(1)), (None, None));
        numbers.forget_before(12);
        assert_eq!((numbers.here(3), numbers.here(9)), (None, Some(13)));
    }
}
