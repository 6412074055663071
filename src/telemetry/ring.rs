//! The ring of recent events, bounded by bytes.
//!
//! One task writes a few dozen events at a time, and screens read a few. Both lock it only to copy:
//! conditions are evaluated on copies, whose texts are shared, so that intake never waits for them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::protocol::{Content, Record, RingRow, Story};

use super::story_changes::StoryChanges;

/// The ring of recent events. Clones share it.
#[derive(Debug, Clone)]
pub struct SharedRing(Arc<Mutex<Ring>>);

/// The records in the order of their sequence numbers. Those of a pipeline in this process have no
/// gaps; a screen that is attached to another process may not get all.
#[derive(Debug)]
pub struct Ring {
    records: VecDeque<Record>,
    bytes: usize,
    max_bytes: usize,
    story_changes: StoryChanges,
}

impl SharedRing {
    /// Creates an empty ring of at most `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(Ring {
            records: VecDeque::new(),
            bytes: 0,
            max_bytes,
            story_changes: StoryChanges::default(),
        })))
    }

    /// Locks the ring. The guard must not be held across an await, while a condition is evaluated,
    /// or while drawing.
    pub fn lock(&self) -> MutexGuard<'_, Ring> {
        // A writer that panicked left complete records.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies what `pick` selects of the next records from `next` on, and advances `next` past
    /// them. None once there are no more. `pick` runs under the lock, so it only selects and copies;
    /// between two batches the ring is unlocked. Each record is seen once, even while others leave.
    pub fn copy_batch<T>(
        &self,
        next: &mut u64,
        pick: impl FnMut(&Record) -> Option<T>,
    ) -> Option<Vec<T>> {
        /// Records per batch: copying them takes less than a millisecond.
        const BATCH: u64 = 2_048;
        let ring = self.lock();
        let from = (*next).max(ring.first());
        let upto = ring.end().min(from + BATCH);
        if from >= upto {
            return None;
        }
        *next = upto;
        let records = ring.from(from).take_while(|record| record.sequence < upto);
        Some(records.filter_map(pick).collect())
    }
}

impl Ring {
    /// Adds records, and drops the oldest ones.
    pub fn extend(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.bytes += record.bytes();
            self.records.push_back(record);
        }
        self.shrink();
    }

    /// The log of changed stories.
    pub fn story_changes(&mut self) -> &mut StoryChanges {
        &mut self.story_changes
    }

    /// Changes the story of a record, if it is still in the ring, and counts its new size.
    pub fn update(&mut self, sequence: u64, change: impl FnOnce(&mut Story)) {
        if let Some(index) = self.index(sequence)
            && let Some(record) = self.records.get_mut(index)
        {
            let before = record.bytes();
            change(&mut record.story);
            self.bytes = (self.bytes + record.bytes()).saturating_sub(before);
            self.story_changes.add(sequence);
            self.shrink();
        }
    }

    /// Replaces the content of a record, if it is still in the ring, and counts its new size.
    pub fn replace(&mut self, sequence: u64, content: Content) {
        if let Some(index) = self.index(sequence)
            && let Some(record) = self.records.get_mut(index)
        {
            let before = record.bytes();
            record.content = content;
            self.bytes = (self.bytes + record.bytes()).saturating_sub(before);
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        while self.bytes > self.max_bytes && self.records.len() > 1 {
            if let Some(old) = self.records.pop_front() {
                self.bytes = self.bytes.saturating_sub(old.bytes());
            }
        }
    }

    /// The record with this sequence number, if it is still in the ring.
    pub fn get(&self, sequence: u64) -> Option<&Record> {
        self.records.get(self.index(sequence)?)
    }

    /// The records from `sequence` on.
    pub fn from(&self, sequence: u64) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.range(self.position(sequence)..)
    }

    /// The sequence number of the oldest record; 1 if the ring is empty.
    pub fn first(&self) -> u64 {
        self.records.front().map_or(1, |r| r.sequence)
    }

    /// The sequence number that the next record gets, if the ring is not empty; otherwise 1.
    pub fn end(&self) -> u64 {
        self.records.back().map_or(1, |r| r.sequence + 1)
    }

    /// Its size.
    pub fn row(&self) -> RingRow {
        RingRow {
            events: self.records.len() as u64,
            bytes: self.bytes as u64,
        }
    }

    fn index(&self, sequence: u64) -> Option<usize> {
        let index = self.position(sequence);
        let found = self.records.get(index)?;
        (found.sequence == sequence).then_some(index)
    }

    /// The index of the first record that is not before `sequence`.
    fn position(&self, sequence: u64) -> usize {
        // Without gaps the number tells the index.
        let index = sequence.saturating_sub(self.first()) as usize;
        match self.records.get(index) {
            Some(record) if record.sequence == sequence => index,
            _ => self.records.partition_point(|r| r.sequence < sequence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Attempt, Undelivered};
    use crate::filter::Decision;
    use crate::protocol::Outcome;
    use crate::protocol::tests_support::record;

    #[test]
    fn batches_see_each_record_once_while_others_leave() {
        let records = |from: u64, count: u64| {
            (from..from + count).map(|sequence| {
                let text = r#"{"event_type":"A","user_id":"u"}"#;
                record(sequence, text, Decision::Accepted, Outcome::OnItsWay)
            })
        };
        let size = records(1, 1).map(|record| record.bytes()).sum::<usize>();
        let ring = SharedRing::new(5_000 * size);
        ring.lock().extend(records(1, 5_000));
        let number = |record: &Record| Some(record.sequence);
        let (mut next, mut seen) = (0, Vec::new());
        while let Some(batch) = ring.copy_batch(&mut next, number) {
            if seen.is_empty() {
                // More leave than were seen.
                ring.lock().extend(records(5_001, 3_000));
            }
            seen.extend(batch);
        }
        assert_eq!(seen.first(), Some(&1));
        assert_eq!(seen.last(), Some(&8_000));
        assert!(seen.is_sorted_by(|a, b| a < b), "none is seen twice");
        assert_eq!(ring.copy_batch(&mut next, number), None);
    }

    #[test]
    fn the_size_of_stories_counts_and_makes_the_oldest_records_leave() {
        let text = r#"{"event_type":"A","user_id":"u"}"#;
        let new = |sequence| record(sequence, text, Decision::Accepted, Outcome::OnItsWay);
        let size = new(1).bytes();
        let shared = SharedRing::new(200 * size);
        let mut ring = shared.lock();
        ring.extend((1..=100).map(new));
        assert_eq!(ring.row().bytes, 100 * size as u64);
        let attempt = Arc::new(Attempt {
            at_ms: 1,
            took_ms: 2,
            answer: "503".to_owned(),
            message: "m".repeat(300),
            items: 1,
        });
        for sequence in (1..=100).cycle().take(1_000) {
            ring.update(sequence, |story| {
                story.attempts.push(attempt.clone());
                story.outcome = Outcome::Undelivered {
                    why: Undelivered::Expired,
                    reason: "r".repeat(300),
                    field: String::new(),
                };
            });
        }
        let held: usize = ring.from(0).map(Record::bytes).sum();
        assert_eq!(ring.row().bytes, held as u64);
        assert!(held <= 200 * size, "{held} bytes");
        let left = ring.row().events;
        assert!((2..100).contains(&left), "{left} records are left");
        assert_eq!(ring.end(), 101, "the oldest have left");
        let mut of_many = new(1);
        of_many.story.attempts.push(Arc::new(Attempt {
            items: 3_000,
            ..Attempt::clone(&attempt)
        }));
        assert!(of_many.bytes() - size < 50, "a request's events share it");
    }

    #[test]
    fn a_ring_with_gaps_finds_what_it_has() {
        let text = r#"{"event_type":"A","user_id":"u"}"#;
        let new = |sequence| record(sequence, text, Decision::Accepted, Outcome::OnItsWay);
        let shared = SharedRing::new(1 << 20);
        let mut ring = shared.lock();
        ring.extend([14, 15, 20, 21, 25].map(new));
        let numbers = |ring: &Ring, from| ring.from(from).map(|r| r.sequence).collect::<Vec<_>>();
        assert_eq!(numbers(&ring, 0), [14, 15, 20, 21, 25]);
        assert_eq!(numbers(&ring, 16), [20, 21, 25]);
        assert_eq!(numbers(&ring, 22), [25]);
        assert!(ring.get(20).is_some() && ring.get(22).is_none() && ring.get(13).is_none());
        ring.update(21, |story| story.outcome = Outcome::DryRun);
        ring.update(22, |_| panic!("there is none"));
        drop(ring);
        let (mut next, mut seen) = (0, Vec::new());
        while let Some(batch) = shared.copy_batch(&mut next, |r| Some(r.sequence)) {
            seen.extend(batch);
        }
        assert_eq!(seen, [14, 15, 20, 21, 25]);
    }
}
