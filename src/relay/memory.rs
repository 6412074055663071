//! Memory that the bodies of requests, or Amplitude's answers, share.
//!
//! A body takes memory as its bytes arrive, so that a slow body takes little. If many incomplete
//! bodies have taken all of it, none of them could be completed. So one body at a time has the
//! *turn*: it may exceed the shared memory, up to its own maximum size, and releases everything when
//! it is complete.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// Memory is counted in units of this size, in bytes.
const UNIT_BYTES: usize = 1_024;

/// A limited amount of memory, plus one body that has the turn.
#[derive(Debug)]
pub(super) struct SharedMemory {
    units: Semaphore,
    turn: Semaphore,
}

impl SharedMemory {
    /// Creates a shared memory of this size.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            units: Semaphore::new(bytes / UNIT_BYTES),
            turn: Semaphore::new(1),
        }
    }

    /// The free bytes.
    #[cfg(test)]
    pub(super) fn free_bytes(&self) -> usize {
        self.units.available_permits() * UNIT_BYTES
    }
}

/// A body's part of a shared memory; released on drop.
#[derive(Debug)]
pub(super) struct MemoryPermit<'m> {
    memory: &'m SharedMemory,
    held: Option<SemaphorePermit<'m>>,
    turn: Option<SemaphorePermit<'m>>,
}

/// No memory was free until the deadline.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoMemory;

impl<'m> MemoryPermit<'m> {
    /// Starts without memory.
    pub(super) fn new(memory: &'m SharedMemory) -> Self {
        Self {
            memory,
            held: None,
            turn: None,
        }
    }

    /// The units that are taken of the shared memory.
    pub(super) fn units(&self) -> usize {
        self.held.as_ref().map_or(0, SemaphorePermit::num_permits)
    }

    /// Adds memory for this number of bytes, or waits for it until the deadline. Returns how long it
    /// waited, for which the sender of the body is not to blame.
    pub(super) async fn add(
        &mut self,
        bytes: usize,
        deadline: Instant,
    ) -> Result<Duration, NoMemory> {
        if self.turn.is_some() {
            return Ok(Duration::ZERO);
        }
        let began = Instant::now();
        let units = u32::try_from(units_of(bytes)).unwrap_or(u32::MAX);
        tokio::select! {
            biased;
            Ok(more) = self.memory.units.acquire_many(units) => match &mut self.held {
                Some(held) => held.merge(more),
                None => self.held = Some(more),
            },
            Ok(turn) = self.memory.turn.acquire() => self.turn = Some(turn),
            () = sleep_until(deadline) => return Err(NoMemory),
        }
        Ok(began.elapsed())
    }

    /// Releases all but this number of units of the shared memory.
    pub(super) fn shrink_to(&mut self, units: usize) {
        if let Some(held) = &mut self.held {
            drop(held.split(held.num_permits().saturating_sub(units)));
        }
    }
}

/// The units for this number of bytes.
pub(super) fn units_of(bytes: usize) -> usize {
    bytes.div_ceil(UNIT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn bodies_that_have_taken_all_memory_are_completed_one_after_the_other() {
        let memory = SharedMemory::new(8 * UNIT_BYTES);
        let deadline = Instant::now() + 600 * SOON;
        // Ten bodies of four units each want five times the memory at once.
        let bodies = (0..10).map(|_| async {
            let mut permit = MemoryPermit::new(&memory);
            for _ in 0..4 {
                permit.add(UNIT_BYTES, deadline).await?;
                tokio::time::sleep(SOON).await;
            }
            Ok::<_, NoMemory>(())
        });
        let all = futures_util::future::join_all(bodies).await;
        assert!(all.iter().all(Result::is_ok), "{all:?}");
        assert_eq!(memory.free_bytes(), 8 * UNIT_BYTES);
    }

    #[tokio::test]
    async fn a_body_waits_no_longer_than_until_its_deadline() {
        let memory = SharedMemory::new(UNIT_BYTES);
        let deadline = Instant::now() + SOON;
        let [mut first, mut second, mut third] = [(); 3].map(|()| MemoryPermit::new(&memory));
        assert!(first.add(1, deadline).await.is_ok());
        assert!(second.add(1, deadline).await.is_ok(), "it has the turn");
        assert_eq!(third.add(1, deadline).await, Err(NoMemory));
        drop(second);
        let later = Instant::now() + SOON;
        assert!(third.add(1, later).await.is_ok());
    }
}
