//! The partitions of a shared stream that this process may send for.
//!
//! A partition is held until a time, which its holder moves forward again and again. Nothing is sent
//! for a partition that is not held: its events are delivered to another process by then. Time is the
//! monotonic clock's; the wall clock can only end a holding earlier, as it goes on while a machine is
//! suspended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustc_hash::FxHashMap;
use tokio::time::{Instant, sleep_until};

use crate::feed::Origin;

/// Decides whether items may be sent. Clones share the holdings.
#[derive(Debug, Clone, Default)]
pub struct Fence(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    partitions: FxHashMap<u16, Partition>,
    is_closed: bool,
}

#[derive(Debug, Clone, Default)]
struct Partition {
    /// The holding; none while another process may hold it.
    held: Option<Held>,
    /// Items of it in requests.
    in_flight: usize,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    holding: u32,
    until: Instant,
    wall_until: SystemTime,
    /// Whether it is about to be handed over: nothing more is sent.
    is_closing: bool,
}

impl Fence {
    /// Begins a holding: its items may be sent for this time from `since` on.
    pub fn begin(&self, partition: u16, holding: u32, since: Clocks, term: Duration) {
        let held = Held {
            holding,
            until: since.at + term,
            wall_until: since.wall + term,
            is_closing: false,
        };
        self.lock().partitions.entry(partition).or_default().held = Some(held);
    }

    /// Lets a holding go on for this time from `since` on. Returns false if it has ended: its items
    /// may have been dropped meanwhile, so it is never resumed.
    pub fn extend(&self, partition: u16, holding: u32, since: Clocks, term: Duration) -> bool {
        let origin = Origin {
            partition,
            holding,
            sequence: 0,
        };
        let mut state = self.lock();
        if state.held(origin).is_none() {
            return false;
        }
        let partition = state.partitions.get_mut(&partition);
        if let Some(held) = partition.and_then(|partition| partition.held.as_mut()) {
            held.until = since.at + term;
            held.wall_until = since.wall + term;
        }
        true
    }

    /// Lets nothing more be sent for a partition. Requests that were sent go on.
    pub fn close(&self, partition: u16) {
        let mut state = self.lock();
        let partition = state.partitions.get_mut(&partition);
        if let Some(held) = partition.and_then(|partition| partition.held.as_mut()) {
            held.is_closing = true;
        }
    }

    /// Lets nothing more be sent for any partition, for good. Requests that were sent go on.
    pub fn close_all(&self) {
        self.lock().is_closed = true;
    }

    /// Ends the holding of a partition: requests with items of it are cut.
    pub fn revoke(&self, partition: u16) {
        if let Some(partition) = self.lock().partitions.get_mut(&partition) {
            partition.held = None;
        }
    }

    /// Whether the holding in which an item was received goes on.
    pub fn is_current(&self, origin: Origin) -> bool {
        self.lock().held(origin).is_some()
    }

    /// Number of items of a partition in requests.
    pub fn in_flight(&self, partition: u16) -> usize {
        let state = self.lock();
        let partition = state.partitions.get(&partition);
        partition.map_or(0, |partition| partition.in_flight)
    }

    /// Whether an item may be sent now.
    pub fn permits(&self, origin: Origin) -> bool {
        let state = self.lock();
        !state.is_closed && state.held(origin).is_some_and(|held| !held.is_closing)
    }

    /// Counts the items of a request as in flight until the guard is dropped.
    pub fn enter(&self, origins: Vec<Origin>) -> InFlight {
        let mut state = self.lock();
        for origin in &origins {
            if let Some(partition) = state.partitions.get_mut(&origin.partition) {
                partition.in_flight += 1;
            }
        }
        drop(state);
        InFlight {
            fence: self.clone(),
            origins,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn held(&self, origin: Origin) -> Option<Held> {
        let held = self.partitions.get(&origin.partition)?.held?;
        let is_now = Instant::now() < held.until && SystemTime::now() < held.wall_until;
        (held.holding == origin.holding && is_now).then_some(held)
    }
}

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// By the monotonic clock.
    pub at: Instant,
    /// By the wall clock.
    pub wall: SystemTime,
}

impl Clocks {
    /// The current moment.
    pub fn now() -> Self {
        Self {
            at: Instant::now(),
            wall: SystemTime::now(),
        }
    }
}

/// The items of a request.
#[derive(Debug)]
pub struct InFlight {
    fence: Fence,
    origins: Vec<Origin>,
}

impl InFlight {
    /// Waits until the holding of one of the items has ended.
    pub async fn cut(&self) {
        loop {
            let mut first: Option<Instant> = None;
            {
                let state = self.fence.lock();
                for origin in &self.origins {
                    match state.held(*origin) {
                        Some(held) => {
                            first = Some(first.map_or(held.until, |first| first.min(held.until)));
                        }
                        None => return,
                    }
                }
            }
            match first {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.fence.lock();
        for origin in &self.origins {
            if let Some(partition) = state.partitions.get_mut(&origin.partition) {
                partition.in_flight = partition.in_flight.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_secs(5);

    fn origin(partition: u16, holding: u32) -> Origin {
        Origin {
            partition,
            holding,
            sequence: 1,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_current_holding_may_send_and_only_until_its_end() {
        let fence = Fence::default();
        assert!(!fence.permits(origin(0, 1)), "nobody holds it yet");
        assert!(!fence.extend(0, 1, Clocks::now(), TERM));
        fence.begin(0, 1, Clocks::now(), TERM);
        assert!(fence.permits(origin(0, 1)));
        assert!(!fence.permits(origin(0, 2)) && !fence.permits(origin(1, 1)));
        tokio::time::advance(TERM).await;
        assert!(!fence.permits(origin(0, 1)), "its time is over");
        assert!(
            !fence.extend(0, 1, Clocks::now(), TERM),
            "it is never resumed"
        );
        fence.begin(0, 2, Clocks::now(), TERM);
        assert!(!fence.permits(origin(0, 1)) && fence.permits(origin(0, 2)));
        fence.close(0);
        assert!(fence.extend(0, 2, Clocks::now(), TERM));
        assert!(
            !fence.permits(origin(0, 2)),
            "a renewal does not open it again"
        );
        assert!(
            fence.is_current(origin(0, 2)),
            "but its outcomes still count"
        );
        fence.begin(1, 3, Clocks::now(), TERM);
        assert!(fence.permits(origin(1, 3)));
        fence.close_all();
        assert!(!fence.permits(origin(1, 3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_went_on_ends_a_holding() {
        let fence = Fence::default();
        let now = Clocks::now();
        let before = Clocks {
            wall: now.wall - TERM,
            ..now
        };
        fence.begin(0, 1, before, TERM);
        assert!(!fence.permits(origin(0, 1)), "the machine was suspended");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_cut_when_the_holding_of_one_of_its_items_ends() {
        let fence = Fence::default();
        fence.begin(0, 1, Clocks::now(), TERM);
        fence.begin(1, 1, Clocks::now(), 2 * TERM);
        let in_flight = fence.enter(vec![origin(0, 1), origin(1, 1)]);
        assert_eq!((fence.in_flight(0), fence.in_flight(1)), (1, 1));
        let cut = tokio::time::timeout(TERM / 2, in_flight.cut()).await;
        assert!(cut.is_err());
        assert!(fence.extend(0, 1, Clocks::now(), TERM));
        let cut = tokio::time::timeout(TERM * 3 / 4, in_flight.cut()).await;
        assert!(cut.is_err(), "it was extended");
        let cut = tokio::time::timeout(TERM, in_flight.cut()).await;
        assert!(cut.is_ok());
        drop(in_flight);
        assert_eq!((fence.in_flight(0), fence.in_flight(1)), (0, 0));
    }
}
