//! The lanes: each person's items, one behind the other.
//!
//! A person has a lane while something of theirs is out or waits to be tried again: what comes
//! for them meanwhile waits behind it, and everybody else goes on. Items that may go stand in
//! one queue, in the order in which they came, and a batch takes its front. So a lane costs
//! nothing while all is well, and a request that fails or hangs holds up the people in it and
//! nobody else.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::time::Instant;

use crate::customerio::mapping::Route;
use crate::customerio::sizes;

use super::Queued;
use super::cargo::{Cargo, Ticket};

/// `{"batch":[` and `]}`.
const ENVELOPE_BYTES: usize = 12;
/// No batch is taken with this number.
const CLOSED: u64 = 0;

/// An item that waits.
#[derive(Debug)]
enum Waiting {
    Here(Queued),
    Spooled(Ticket),
}

impl Waiting {
    fn person(&self) -> u64 {
        match self {
            Self::Here(queued) => queued.person(),
            Self::Spooled(ticket) => ticket.person,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Here(queued) => queued.bytes(),
            Self::Spooled(ticket) => ticket.bytes,
        }
    }

    fn here_bytes(&self) -> usize {
        match self {
            Self::Here(queued) => queued.bytes(),
            Self::Spooled(_) => 0,
        }
    }

    fn alone(&self) -> bool {
        match self {
            Self::Here(queued) => queued.accepted.item.route != Route::Batch,
            Self::Spooled(ticket) => ticket.alone,
        }
    }

    fn is_here(&self) -> bool {
        matches!(self, Self::Here(_))
    }
}

type Since = (Instant, Waiting);

/// Where items wait, and the people of whom something is out.
#[derive(Debug)]
pub struct Lanes {
    /// In the order in which they came. Some may be of people that have a lane since.
    queue: VecDeque<Since>,
    /// What waited in lanes that are gone: older than anything of the same person in `queue`.
    released: VecDeque<Since>,
    /// What goes by itself, and has its lane already.
    alone: VecDeque<Waiting>,
    people: FxHashMap<u64, Lane>,
    batch_bytes: usize,
    batch_age: Duration,
    /// The number of the batch that is being taken.
    batch: u64,
    /// What stands in `queue` and `released`, in bytes.
    sendable_bytes: usize,
    here_bytes: usize,
    items: usize,
}

#[derive(Debug, Default)]
struct Lane {
    /// The batch that its person's items may still join.
    batch: u64,
    waiting: VecDeque<Since>,
}

impl Lanes {
    /// None; batches close at `batch_bytes`, or when an item is `batch_age` old.
    pub fn new(batch_bytes: usize, batch_age: Duration) -> Self {
        let mut lanes = Self {
            queue: VecDeque::new(),
            released: VecDeque::new(),
            alone: VecDeque::new(),
            people: FxHashMap::default(),
            batch_bytes: 0,
            batch_age,
            batch: CLOSED,
            sendable_bytes: 0,
            here_bytes: 0,
            items: 0,
        };
        lanes.set(batch_bytes, batch_age);
        lanes
    }

    /// Changes when batches close.
    pub fn set(&mut self, batch_bytes: usize, batch_age: Duration) {
        let least = sizes::BATCH_ITEM_BYTES + ENVELOPE_BYTES;
        self.batch_bytes = batch_bytes.clamp(least, sizes::BATCH_BYTES);
        self.batch_age = batch_age;
    }

    /// Puts an item behind all others of its person. It waits `since` then.
    pub fn push(&mut self, queued: Queued, since: Instant) {
        let waiting = Waiting::Here(queued);
        self.items += 1;
        self.here_bytes += waiting.here_bytes();
        self.sendable_bytes += waiting.bytes() + 1;
        self.queue.push_back((since, waiting));
    }

    /// The people of whom something stands where a batch could take it. They have no lane yet,
    /// so this looks at all that stands there: it is asked after a restart only.
    pub fn queued_people(&self) -> FxHashSet<u64> {
        let since = self.queue.iter().chain(&self.released);
        let waiting = since.map(|(_, waiting)| waiting).chain(&self.alone);
        waiting.map(Waiting::person).collect()
    }

    /// Gives a person a lane without taking anything: something of theirs waits elsewhere, and
    /// nothing of theirs is queued. Whether they had none.
    pub fn occupy(&mut self, person: u64) -> bool {
        match self.people.entry(person) {
            Entry::Vacant(free) => {
                free.insert(Lane::default());
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    /// Whether anything stands where a batch could take it.
    pub fn has_sendable(&self) -> bool {
        !(self.queue.is_empty() && self.released.is_empty() && self.alone.is_empty())
    }

    /// How many items wait.
    pub fn len(&self) -> usize {
        self.items
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// What the items that wait hold in memory, in bytes.
    pub fn here_bytes(&self) -> usize {
        self.here_bytes
    }

    /// When the next batch is due by age; none while nothing may go.
    pub fn due(&self) -> Option<Instant> {
        let fronts = [self.queue.front(), self.released.front()];
        let oldest = fronts.into_iter().flatten().map(|(since, _)| *since).min();
        let alone = self.alone.front().map(|_| Instant::now());
        alone.or(oldest.map(|since| since + self.batch_age))
    }

    /// Whether there may be enough for a batch, whatever its age.
    pub fn may_be_full(&self) -> bool {
        self.sendable_bytes + ENVELOPE_BYTES >= self.batch_bytes
    }

    /// Takes what goes together, the oldest first, if there is enough or it is old enough;
    /// `flush` takes what is there. The people in it have a lane until it is released.
    pub fn take(&mut self, now: Instant, flush: bool) -> Option<Cargo> {
        if let Some(alone) = self.alone.pop_front() {
            return Some(self.cargo(vec![(now, alone)]));
        }
        let due = flush || self.due().is_some_and(|due| due <= now);
        if !due && !self.may_be_full() {
            return None;
        }
        self.batch += 1;
        let mut taking = Taking {
            room: self.batch_bytes - ENVELOPE_BYTES,
            ..Taking::default()
        };
        // What was released is older than what is in the queue: all of it goes first.
        while !taking.ends
            && let Some(waiting) = self.released.pop_front()
        {
            if let Some(back) = self.consider(waiting, &mut taking) {
                self.released.push_front(back);
            }
        }
        let released = taking.items.len();
        while !taking.ends
            && let Some(waiting) = self.queue.pop_front()
        {
            if let Some(back) = self.consider(waiting, &mut taking) {
                self.queue.push_front(back);
            }
        }
        if taking.items.is_empty() {
            let alone = self.alone.pop_front()?;
            return Some(self.cargo(vec![(now, alone)]));
        }
        // A batch that something waits behind already can't be put back.
        if due || taking.ends || taking.blocks {
            return Some(self.cargo(taking.items));
        }
        self.put_back(taking.items, released);
        None
    }

    /// Takes the item into the batch, or puts it behind others of its person, or by itself, or
    /// gives it back where the batch ends before it.
    fn consider(&mut self, waiting: Since, taking: &mut Taking) -> Option<Since> {
        let person = waiting.1.person();
        let bytes = waiting.1.bytes() + 1;
        let alone = waiting.1.alone();
        if !alone {
            let other = taking
                .items
                .first()
                .is_some_and(|(_, first)| first.is_here() != waiting.1.is_here());
            let joins = self
                .people
                .get(&person)
                .is_none_or(|lane| lane.batch == self.batch);
            if joins && (bytes > taking.room || other) {
                taking.ends = true;
                return Some(waiting);
            }
        }
        self.sendable_bytes -= bytes;
        match self.people.entry(person) {
            Entry::Vacant(free) if alone => {
                free.insert(Lane::default());
                self.alone.push_back(waiting.1);
            }
            Entry::Vacant(free) => {
                free.insert(Lane {
                    batch: self.batch,
                    ..Lane::default()
                });
                taking.room -= bytes;
                taking.items.push(waiting);
            }
            Entry::Occupied(mut lane) if lane.get().batch == self.batch && !alone => {
                debug_assert!(lane.get_mut().waiting.is_empty());
                taking.room -= bytes;
                taking.items.push(waiting);
            }
            Entry::Occupied(mut lane) => {
                let lane = lane.get_mut();
                // Whatever follows goes behind this one.
                taking.blocks |= lane.batch == self.batch;
                lane.batch = CLOSED;
                lane.waiting.push_back(waiting);
            }
        }
        None
    }

    fn put_back(&mut self, items: Vec<Since>, released: usize) {
        for (index, waiting) in items.into_iter().enumerate().rev() {
            self.people.remove(&waiting.1.person());
            self.sendable_bytes += waiting.1.bytes() + 1;
            let to = if index < released {
                &mut self.released
            } else {
                &mut self.queue
            };
            to.push_front(waiting);
        }
    }

    fn cargo(&mut self, items: Vec<Since>) -> Cargo {
        self.items -= items.len();
        let mut here = Vec::with_capacity(items.len());
        let mut tickets = Vec::new();
        for (_, waiting) in items {
            self.here_bytes -= waiting.here_bytes();
            match waiting {
                Waiting::Here(queued) => here.push(queued),
                Waiting::Spooled(ticket) => tickets.push(ticket),
            }
        }
        if tickets.is_empty() {
            Cargo::Here(here)
        } else {
            Cargo::Spooled(tickets)
        }
    }

    /// Nothing of this person is out any more: what waited behind it may go.
    pub fn release(&mut self, person: u64) {
        let Some(lane) = self.people.remove(&person) else {
            return;
        };
        for waiting in lane.waiting.into_iter().rev() {
            self.sendable_bytes += waiting.1.bytes() + 1;
            self.released.push_front(waiting);
        }
    }

    /// Puts items of one person, of whom something is out, in front of what waits behind that.
    pub fn put_behind(&mut self, items: Vec<Queued>, now: Instant) {
        for queued in items.into_iter().rev() {
            let person = queued.person();
            let waiting = Waiting::Here(queued);
            self.items += 1;
            self.here_bytes += waiting.here_bytes();
            let lane = self.people.entry(person).or_default();
            lane.waiting.push_front((now, waiting));
        }
    }

    /// Lets go of the bytes of what waits behind this person's: it will be a while.
    pub fn cool(&mut self, person: u64) {
        let Some(lane) = self.people.get_mut(&person) else {
            return;
        };
        for (_, waiting) in &mut lane.waiting {
            if let Waiting::Here(queued) = waiting {
                self.here_bytes -= queued.bytes();
                *waiting = Waiting::Spooled(Ticket::of(queued));
            }
        }
    }
}

/// A batch that is being taken.
#[derive(Default)]
struct Taking {
    items: Vec<Since>,
    room: usize,
    /// Whether the next item does not fit.
    ends: bool,
    /// Whether something waits behind an item of it.
    blocks: bool,
}

#[cfg(test)]
mod tests {
    use super::super::batch::tests_support::{queued, sequences};
    use super::*;
    use crate::delivery::batch::tests_support::alone;

    const AGE: Duration = Duration::from_millis(250);

    fn lanes() -> Lanes {
        Lanes::new(100_000, AGE)
    }

    fn taken(lanes: &mut Lanes, now: Instant, flush: bool) -> Option<Vec<u64>> {
        lanes.take(now, flush).map(|cargo| sequences(&cargo))
    }

    #[test]
    fn a_batch_closes_by_age_or_by_size_and_never_before() {
        let start = Instant::now();
        let mut lanes = lanes();
        lanes.push(queued(1, 7, 100), start);
        assert_eq!(taken(&mut lanes, start, false), None);
        assert_eq!(lanes.due(), Some(start + AGE));
        assert_eq!(taken(&mut lanes, start + AGE, false), Some(vec![1]));
        assert_eq!(lanes.due(), None);
        for n in 2..7 {
            lanes.push(queued(n, n, 24_000), start);
        }
        assert_eq!(
            taken(&mut lanes, start, false),
            Some(vec![2, 3, 4, 5]),
            "five of 24 kB are over 100 kB, four fit"
        );
        assert_eq!(taken(&mut lanes, start, false), None, "one is no batch");
        assert_eq!((lanes.len(), lanes.here_bytes()), (1, 24_000));
    }

    #[test]
    fn what_comes_for_a_person_waits_behind_what_is_out_and_others_go_on() {
        let now = Instant::now();
        let mut lanes = lanes();
        lanes.push(queued(1, 0, 100), now);
        lanes.push(queued(2, 0, 100), now);
        assert_eq!(taken(&mut lanes, now, true), Some(vec![1, 2]));
        lanes.push(queued(3, 0, 100), now);
        lanes.push(queued(4, 1, 100), now);
        lanes.push(queued(5, 0, 100), now);
        assert_eq!(taken(&mut lanes, now, true), Some(vec![4]));
        assert_eq!(taken(&mut lanes, now, true), None);
        lanes.push(queued(6, 0, 100), now);
        lanes.release(0);
        assert_eq!(taken(&mut lanes, now, true), Some(vec![3, 5, 6]));
        assert!(lanes.is_empty());
    }

    #[test]
    fn what_goes_alone_keeps_its_place_between_its_neighbours_of_one_person() {
        let now = Instant::now();
        let mut lanes = lanes();
        for item in [queued(1, 0, 10), alone(2, 0), queued(3, 0, 10), alone(4, 1)] {
            lanes.push(item, now);
        }
        assert_eq!(taken(&mut lanes, now, true), Some(vec![1]));
        assert_eq!(
            taken(&mut lanes, now, true),
            Some(vec![4]),
            "another person's"
        );
        lanes.release(0);
        assert_eq!(taken(&mut lanes, now, true), Some(vec![2]));
        assert_eq!(taken(&mut lanes, now, true), None);
        lanes.release(0);
        assert_eq!(taken(&mut lanes, now, true), Some(vec![3]));
    }

    #[test]
    fn what_waits_for_long_holds_no_bytes_and_comes_back_in_order() {
        let now = Instant::now();
        let mut lanes = lanes();
        lanes.push(queued(1, 0, 100), now);
        lanes.take(now, true).unwrap();
        for n in 2..5 {
            lanes.push(queued(n, 0, 100), now);
        }
        assert_eq!(taken(&mut lanes, now, true), None);
        lanes.cool(0);
        assert_eq!(lanes.here_bytes(), 0);
        lanes.push(queued(5, 0, 100), now);
        lanes.release(0);
        let cold = lanes.take(now, true).unwrap();
        assert!(matches!(&cold, Cargo::Spooled(tickets) if tickets.len() == 3));
        assert_eq!(
            taken(&mut lanes, now, true),
            None,
            "the fifth is behind them"
        );
        lanes.put_behind(vec![queued(4, 0, 100)], now);
        lanes.release(0);
        assert_eq!(taken(&mut lanes, now, true), Some(vec![4, 5]));
    }

    proptest::proptest! {
        /// Whatever is pushed and in whatever order batches are settled: nothing is lost,
        /// nothing comes twice, and each person's items leave in their order.
        #[test]
        fn lanes_lose_nothing_and_keep_each_persons_order(
            items in proptest::collection::vec((0_u64..9, 10_usize..30_000, proptest::bool::weighted(0.1)), 1..200),
            settle in proptest::collection::vec(proptest::bool::ANY, 800),
        ) {
            let now = Instant::now();
            let mut lanes = lanes();
            let mut out: Vec<Cargo> = Vec::new();
            let mut left: Vec<(u64, u64)> = Vec::new();
            let mut settle = settle.into_iter();
            let done = |cargo: Cargo, lanes: &mut Lanes, left: &mut Vec<(u64, u64)>| {
                let Cargo::Spooled(tickets) = cargo.spooled() else { unreachable!() };
                left.extend(tickets.iter().map(|t| (t.person, t.place.chunk)));
                tickets.iter().for_each(|t| lanes.release(t.person));
            };
            for (n, (person, bytes, by_itself)) in items.iter().enumerate() {
                let n = n as u64;
                let item = if *by_itself { alone(n, *person) } else { queued(n, *person, *bytes) };
                lanes.push(item, now);
                if let Some(cargo) = lanes.take(now, settle.next() == Some(true)) {
                    out.push(cargo);
                }
                if settle.next() == Some(true) {
                    lanes.cool(*person);
                }
                if settle.next() == Some(true) && !out.is_empty() {
                    let cargo = out.swap_remove(n as usize % out.len());
                    done(cargo, &mut lanes, &mut left);
                }
            }
            loop {
                out.drain(..).for_each(|cargo| done(cargo, &mut lanes, &mut left));
                match lanes.take(now, true) {
                    Some(cargo) => out.push(cargo),
                    None => break,
                }
            }
            proptest::prop_assert_eq!(left.len(), items.len());
            proptest::prop_assert_eq!((lanes.len(), lanes.here_bytes(), lanes.sendable_bytes), (0, 0, 0));
            for person in 0..9 {
                let order: Vec<u64> = left.iter().filter(|(p, _)| *p == person).map(|(_, n)| *n).collect();
                proptest::prop_assert!(order.is_sorted_by(|a, b| a < b), "{:?}", order);
            }
        }
    }
}
