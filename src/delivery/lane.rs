//! The lanes: N queues, one of which holds all items of a person, in order.
//!
//! A batch takes the fronts of several lanes. Until it is settled those lanes stand still,
//! so nothing overtakes within a lane; the others go on. At a low rate one small batch
//! carries everybody; at a high rate each batch is filled by a few lanes, and as many
//! batches are out as there are lanes ready.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::customerio::mapping::Route;
use crate::customerio::sizes;

use super::Queued;
use super::batch::Shipment;

/// `{"batch":[` and `]}`.
const ENVELOPE_BYTES: usize = 12;

/// The queues, and which of them wait for an answer.
#[derive(Debug)]
pub struct Lanes {
    all: Vec<Lane>,
    batch_bytes: usize,
    batch_age: Duration,
    idle_bytes: usize,
    waiting: u64,
    waiting_bytes: usize,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<(Instant, Queued)>,
    bytes: usize,
    busy: bool,
}

impl Lanes {
    /// `count` lanes whose batches close at `batch_bytes` or when an item is `batch_age` old.
    pub fn new(count: usize, batch_bytes: usize, batch_age: Duration) -> Self {
        let mut all = Vec::new();
        all.resize_with(count.max(1), Lane::default);
        let batch_bytes =
            batch_bytes.clamp(sizes::BATCH_ITEM_BYTES + ENVELOPE_BYTES, sizes::BATCH_BYTES);
        Self {
            all,
            batch_bytes,
            batch_age,
            idle_bytes: 0,
            waiting: 0,
            waiting_bytes: 0,
        }
    }

    /// Puts an item at the end of its person's lane.
    pub fn push(&mut self, item: Queued, now: Instant) {
        let index = (item.item.person % self.all.len() as u64) as usize;
        let lane = &mut self.all[index];
        let bytes = size(&item);
        lane.bytes += bytes;
        lane.queue.push_back((now, item));
        if !lane.busy {
            self.idle_bytes += bytes;
        }
        self.waiting += 1;
        self.waiting_bytes += bytes;
    }

    /// How many items wait, and their size in bytes.
    pub fn waiting(&self) -> (u64, usize) {
        (self.waiting, self.waiting_bytes)
    }

    /// When the next batch is due by age; none while no idle lane holds anything.
    pub fn due(&self) -> Option<Instant> {
        if self.idle_bytes == 0 {
            return None;
        }
        let fronts = self.idle().filter_map(|(_, lane)| lane.queue.front());
        fronts.map(|(since, _)| *since + self.batch_age).min()
    }

    /// Whether a batch is full, whatever its age.
    pub fn is_full(&self) -> bool {
        self.idle_bytes + ENVELOPE_BYTES >= self.batch_bytes
    }

    /// Takes one batch's worth, oldest lanes first, and stops those lanes. `flush` takes what
    /// is there, full or not.
    pub fn take(&mut self, now: Instant, flush: bool) -> Option<Shipment> {
        let due = flush || self.is_full() || self.due().is_some_and(|due| due <= now);
        if !due || self.idle_bytes == 0 {
            return None;
        }
        let mut ready: Vec<(Instant, usize)> = self
            .idle()
            .filter_map(|(index, lane)| Some((lane.queue.front()?.0, index)))
            .collect();
        ready.sort_unstable();
        let mut room = self.batch_bytes - ENVELOPE_BYTES;
        let mut items = Vec::new();
        let mut stopped = Vec::new();
        for (_, index) in ready {
            let taken = self.all[index].take(&mut room, &mut items);
            if taken.items > 0 {
                stopped.push(index);
                self.waiting -= taken.items;
                self.waiting_bytes -= taken.bytes;
                self.idle_bytes -= taken.bytes + self.all[index].bytes;
                self.all[index].busy = true;
            }
            if taken.full {
                break;
            }
        }
        Some(Shipment::new(items, stopped))
    }

    /// Lets the lanes of a settled shipment go on.
    pub fn release(&mut self, lanes: &[usize]) {
        for &index in lanes {
            let lane = &mut self.all[index];
            lane.busy = false;
            self.idle_bytes += lane.bytes;
        }
    }

    /// Everything that still waits, taken out: for a shutdown that can't wait longer.
    pub fn drain(&mut self) -> impl Iterator<Item = Queued> {
        self.waiting = 0;
        self.waiting_bytes = 0;
        self.idle_bytes = 0;
        self.all.iter_mut().flat_map(|lane| {
            lane.bytes = 0;
            lane.queue.drain(..).map(|(_, item)| item)
        })
    }

    fn idle(&self) -> impl Iterator<Item = (usize, &Lane)> {
        self.all.iter().enumerate().filter(|(_, lane)| !lane.busy)
    }
}

struct Taken {
    items: u64,
    bytes: usize,
    full: bool,
}

impl Lane {
    fn take(&mut self, room: &mut usize, items: &mut Vec<Queued>) -> Taken {
        let mut taken = Taken {
            items: 0,
            bytes: 0,
            full: false,
        };
        while let Some((_, front)) = self.queue.front() {
            // What goes alone by v1 takes no room in the batch.
            let bytes = size(front);
            let needs = if front.item.route == Route::Batch {
                bytes
            } else {
                0
            };
            if needs > *room {
                taken.full = true;
                break;
            }
            *room -= needs;
            taken.items += 1;
            taken.bytes += bytes;
            self.bytes -= bytes;
            items.extend(self.queue.pop_front().map(|(_, item)| item));
        }
        taken
    }
}

/// An item's bytes in a batch, its comma included.
fn size(item: &Queued) -> usize {
    item.item.body.len() + 1
}

#[cfg(test)]
mod tests {
    use super::super::batch::tests_support::queued;
    use super::*;

    fn lanes() -> Lanes {
        Lanes::new(4, 100_000, Duration::from_millis(250))
    }

    #[test]
    fn a_batch_closes_by_age_or_by_size_and_never_before() {
        let start = Instant::now();
        let mut lanes = lanes();
        lanes.push(queued(1, 7, 100), start);
        assert!(lanes.take(start, false).is_none());
        assert_eq!(lanes.due(), Some(start + Duration::from_millis(250)));
        let taken = lanes
            .take(start + Duration::from_millis(250), false)
            .unwrap();
        assert_eq!(taken.sequences(), [1]);
        lanes.release(taken.lanes());
        for n in 2..7 {
            lanes.push(queued(n, n, 24_000), start);
        }
        let full = lanes.take(start, false).unwrap();
        assert_eq!(
            full.sequences().len(),
            4,
            "five of 24 kB are over 100 kB, four fit"
        );
    }

    #[test]
    fn a_lane_stands_still_until_its_shipment_is_settled_and_others_go_on() {
        let start = Instant::now();
        let late = start + Duration::from_secs(1);
        let mut lanes = lanes();
        lanes.push(queued(1, 0, 100), start);
        let first = lanes.take(late, false).unwrap();
        lanes.push(queued(2, 0, 100), start);
        lanes.push(queued(3, 1, 100), start);
        assert_eq!(lanes.take(late, false).unwrap().sequences(), [3]);
        assert!(lanes.take(late, true).is_none());
        assert_eq!(lanes.due(), None);
        lanes.release(first.lanes());
        assert_eq!(lanes.take(late, false).unwrap().sequences(), [2]);
        assert_eq!(lanes.waiting(), (0, 0));
    }

    proptest::proptest! {
        /// Whatever is pushed and in whatever order shipments are settled: nothing is lost,
        /// nothing comes twice, and each person's items leave in their order.
        #[test]
        fn lanes_lose_nothing_and_keep_each_persons_order(
            items in proptest::collection::vec((0_u64..9, 10_usize..30_000), 1..200),
            settle in proptest::collection::vec(proptest::bool::ANY, 400),
        ) {
            let now = Instant::now();
            let mut lanes = lanes();
            let mut out: Vec<Shipment> = Vec::new();
            let mut left: Vec<(u64, u64)> = Vec::new();
            let mut settle = settle.into_iter();
            for (n, (person, bytes)) in items.iter().enumerate() {
                lanes.push(queued(n as u64, *person, *bytes), now);
                if let Some(shipment) = lanes.take(now, settle.next() == Some(true)) {
                    out.push(shipment);
                }
                if settle.next() == Some(true) && !out.is_empty() {
                    let done = out.swap_remove(n % out.len());
                    left.extend(done.people());
                    lanes.release(done.lanes());
                }
            }
            loop {
                for done in out.drain(..) {
                    left.extend(done.people());
                    lanes.release(done.lanes());
                }
                match lanes.take(now, true) {
                    Some(shipment) => out.push(shipment),
                    None => break,
                }
            }
            proptest::prop_assert_eq!(left.len(), items.len());
            for person in 0..9 {
                let order: Vec<u64> = left.iter().filter(|(p, _)| *p == person).map(|(_, n)| *n).collect();
                proptest::prop_assert!(order.is_sorted_by(|a, b| a < b), "{:?}", order);
            }
        }
    }
}
