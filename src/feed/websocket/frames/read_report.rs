//! The report of a [`FrameReader`](super::FrameReader) about the bytes that it reads.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A message that was skipped because it is over the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oversize {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its first bytes.
    pub head: Vec<u8>,
}

/// The report of a reader to the feed.
#[derive(Debug)]
pub struct ReadReport(Mutex<State>);

#[derive(Debug)]
struct State {
    last_read: Instant,
    /// With the number of the data message, counted from 0.
    oversize: VecDeque<(u64, Oversize)>,
}

impl Default for ReadReport {
    fn default() -> Self {
        Self(Mutex::new(State {
            last_read: Instant::now(),
            oversize: VecDeque::new(),
        }))
    }
}

impl ReadReport {
    /// Time since the last byte was read, or since [`Self::touch`].
    pub fn silent_for(&self) -> Duration {
        self.lock().last_read.elapsed()
    }

    /// Restarts that time: bytes were read now, or could not be read before.
    pub fn touch(&self) {
        self.lock().last_read = Instant::now();
    }

    /// Takes the report on the data message with this number, counted from 0, if it was
    /// skipped.
    pub fn take_oversize(&self, message: u64) -> Option<Oversize> {
        let oversize = &mut self.lock().oversize;
        match oversize.front() {
            Some((number, _)) if *number == message => oversize.pop_front().map(|(_, one)| one),
            _ => None,
        }
    }

    /// State that the data message with this number was passed over.
    pub fn add_oversize(&self, message: u64, oversize: Oversize) {
        self.lock().oversize.push_back((message, oversize));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
