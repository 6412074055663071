//! Queues that keep each person's items in order.
//!
//! A person has a queue of their own while an item of theirs is in flight or waits for a retry:
//! their later items wait in it, and everybody else's go on. All other items are in one common
//! queue, in the order in which they came, and a batch takes its front. So a person's queue costs
//! nothing while all is well, and a request that fails or hangs holds up the people in it and
//! nobody else.

#[cfg(test)]
mod tests;
mod waiting;

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::time::Instant;

use crate::customerio::sizes;

use super::Queued;
use super::batch::Batch;
use waiting::{Waiting, into_batch};

/// `{"batch":[` and `]}`.
const ENVELOPE_BYTES: usize = 12;
/// The number of no batch: a queue with it takes no more items into a batch.
const CLOSED: u64 = 0;

/// Items that wait for their batch, and the people with items in flight.
#[derive(Debug)]
pub struct PersonQueues {
    /// Items in the order in which they came. Some may be of people that have a queue by now.
    common: VecDeque<Waiting>,
    /// Items of queues that were released: older than any of the same person in `common`.
    released: VecDeque<Waiting>,
    /// Items that are sent in requests of their own, and whose people have a queue already.
    alone: VecDeque<Waiting>,
    people: FxHashMap<u64, PersonQueue>,
    batch_bytes: usize,
    batch_age: Duration,
    /// The number of the batch that is being assembled.
    batch: u64,
    /// Bytes of the items in `common` and `released`.
    sendable_bytes: usize,
    memory_bytes: usize,
    items: usize,
}

#[derive(Debug, Default)]
struct PersonQueue {
    /// The batch that the person's items may still join.
    batch: u64,
    waiting: VecDeque<Waiting>,
}

impl PersonQueues {
    /// Creates empty queues. Batches close at `batch_bytes`, or when an item is `batch_age` old.
    pub fn new(batch_bytes: usize, batch_age: Duration) -> Self {
        let mut queues = Self {
            common: VecDeque::new(),
            released: VecDeque::new(),
            alone: VecDeque::new(),
            people: FxHashMap::default(),
            batch_bytes: 0,
            batch_age,
            batch: CLOSED,
            sendable_bytes: 0,
            memory_bytes: 0,
            items: 0,
        };
        queues.configure(batch_bytes, batch_age);
        queues
    }

    /// Changes when batches close.
    pub fn configure(&mut self, batch_bytes: usize, batch_age: Duration) {
        let least = sizes::BATCH_ITEM_BYTES + ENVELOPE_BYTES;
        self.batch_bytes = batch_bytes.clamp(least, sizes::BATCH_BYTES);
        self.batch_age = batch_age;
    }

    /// Adds an item behind all others of its person; `since` is when it was received.
    pub fn push(&mut self, queued: Queued, since: Instant) {
        let waiting = Waiting::in_memory(queued, since);
        self.items += 1;
        self.memory_bytes += waiting.memory_bytes();
        self.sendable_bytes += waiting.batch_bytes();
        self.common.push_back(waiting);
    }

    /// The people with items that a batch could take. It looks at all of these items, so it is
    /// for startup only.
    pub fn sendable_people(&self) -> FxHashSet<u64> {
        let sendable = self.common.iter().chain(&self.released).chain(&self.alone);
        sendable.map(Waiting::person).collect()
    }

    /// Gives a person an empty queue, because an item of theirs waits elsewhere. Nothing of
    /// theirs may be queued here. Returns whether they had no queue.
    pub fn block(&mut self, person: u64) -> bool {
        match self.people.entry(person) {
            Entry::Vacant(free) => {
                free.insert(PersonQueue::default());
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    /// Whether there are items that a batch could take.
    pub fn has_sendable(&self) -> bool {
        !(self.common.is_empty() && self.released.is_empty() && self.alone.is_empty())
    }

    /// Whether no item waits.
    pub fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Bytes that the waiting items hold in memory.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// When the next batch is due by age; none while nothing is sendable.
    pub fn due_at(&self) -> Option<Instant> {
        let fronts = [self.common.front(), self.released.front()];
        let oldest = fronts.into_iter().flatten().map(|w| w.since).min();
        let alone = self.alone.front().map(|_| Instant::now());
        alone.or(oldest.map(|since| since + self.batch_age))
    }

    /// Whether there may be enough for a batch, whatever its age.
    fn may_be_full(&self) -> bool {
        self.sendable_bytes + ENVELOPE_BYTES >= self.batch_bytes
    }

    /// Takes a batch, the oldest items first, if it is full or old enough; `flush` takes what is
    /// there. The people in it have a queue until they are released.
    pub fn take_batch(&mut self, now: Instant, flush: bool) -> Option<Batch> {
        if let Some(alone) = self.alone.pop_front() {
            return Some(self.taken(vec![alone]));
        }
        let due = flush || self.due_at().is_some_and(|due| due <= now);
        if !due && !self.may_be_full() {
            return None;
        }
        self.batch += 1;
        let mut assembly = Assembly {
            room_bytes: self.batch_bytes - ENVELOPE_BYTES,
            ..Assembly::default()
        };
        // Released items are older than those in the common queue: all of them go first.
        while !assembly.is_full
            && let Some(waiting) = self.released.pop_front()
        {
            if let Some(back) = self.assign(waiting, &mut assembly) {
                self.released.push_front(back);
            }
        }
        let released = assembly.items.len();
        while !assembly.is_full
            && let Some(waiting) = self.common.pop_front()
        {
            if let Some(back) = self.assign(waiting, &mut assembly) {
                self.common.push_front(back);
            }
        }
        if assembly.items.is_empty() {
            let alone = self.alone.pop_front()?;
            return Some(self.taken(vec![alone]));
        }
        // A batch that other items already wait behind can't be put back.
        if due || assembly.is_full || assembly.has_followers {
            return Some(self.taken(assembly.items));
        }
        self.put_back(assembly.items, released);
        None
    }

    /// Adds the item to the batch, to its person's queue or to the items that are sent alone.
    /// Returns it where the batch has no room for it.
    fn assign(&mut self, waiting: Waiting, assembly: &mut Assembly) -> Option<Waiting> {
        let person = waiting.person();
        let bytes = waiting.batch_bytes();
        let alone = waiting.is_alone();
        if !alone {
            let joins = self
                .people
                .get(&person)
                .is_none_or(|queue| queue.batch == self.batch);
            if joins && !assembly.fits(&waiting) {
                assembly.is_full = true;
                return Some(waiting);
            }
        }
        self.sendable_bytes -= bytes;
        match self.people.entry(person) {
            Entry::Vacant(free) if alone => {
                free.insert(PersonQueue::default());
                self.alone.push_back(waiting);
            }
            Entry::Vacant(free) => {
                free.insert(PersonQueue {
                    batch: self.batch,
                    ..PersonQueue::default()
                });
                assembly.add(waiting);
            }
            Entry::Occupied(queue) if queue.get().batch == self.batch && !alone => {
                debug_assert!(queue.get().waiting.is_empty());
                assembly.add(waiting);
            }
            Entry::Occupied(mut queue) => {
                let queue = queue.get_mut();
                // Later items of the person queue behind this one.
                assembly.has_followers |= queue.batch == self.batch;
                queue.batch = CLOSED;
                queue.waiting.push_back(waiting.with_own_bytes());
            }
        }
        None
    }

    /// Puts the items of an unfinished batch back; the first `released` of them were released.
    fn put_back(&mut self, items: Vec<Waiting>, released: usize) {
        for (index, waiting) in items.into_iter().enumerate().rev() {
            self.people.remove(&waiting.person());
            self.sendable_bytes += waiting.batch_bytes();
            let origin = if index < released {
                &mut self.released
            } else {
                &mut self.common
            };
            origin.push_front(waiting);
        }
    }

    fn taken(&mut self, items: Vec<Waiting>) -> Batch {
        self.items -= items.len();
        self.memory_bytes -= items.iter().map(Waiting::memory_bytes).sum::<usize>();
        into_batch(items)
    }

    /// Removes a person's queue, as nothing of theirs is in flight any more. Its items become
    /// sendable.
    pub fn release(&mut self, person: u64) {
        let Some(queue) = self.people.remove(&person) else {
            return;
        };
        for waiting in queue.waiting.into_iter().rev() {
            self.sendable_bytes += waiting.batch_bytes();
            self.released.push_front(waiting);
        }
    }

    /// Puts items of a person first in that person's queue, behind those in flight.
    pub fn push_front(&mut self, items: Vec<Queued>, now: Instant) {
        for queued in items.into_iter().rev() {
            let waiting = Waiting::in_memory(queued, now);
            self.items += 1;
            self.memory_bytes += waiting.memory_bytes();
            let queue = self.people.entry(waiting.person()).or_default();
            queue.waiting.push_front(waiting);
        }
    }

    /// Drops the bytes of the items in a person's queue, because they wait for long.
    pub fn drop_bytes(&mut self, person: u64) {
        let Some(queue) = self.people.get_mut(&person) else {
            return;
        };
        let dropped = queue.waiting.iter_mut().map(Waiting::drop_bytes);
        self.memory_bytes -= dropped.sum::<usize>();
    }
}

/// A batch that is being assembled.
#[derive(Default)]
struct Assembly {
    items: Vec<Waiting>,
    room_bytes: usize,
    /// Whether the next item does not fit.
    is_full: bool,
    /// Whether other items wait behind one of it.
    has_followers: bool,
}

impl Assembly {
    /// Whether there is room for the item, and it is in memory as the others are, or spooled.
    fn fits(&self, waiting: &Waiting) -> bool {
        let is_alike = self
            .items
            .first()
            .is_none_or(|first| first.is_in_memory() == waiting.is_in_memory());
        is_alike && waiting.batch_bytes() <= self.room_bytes
    }

    fn add(&mut self, waiting: Waiting) {
        self.room_bytes -= waiting.batch_bytes();
        self.items.push(waiting);
    }
}
