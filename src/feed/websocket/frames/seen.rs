//! What a [`FrameReader`](super::FrameReader) reports of the bytes that it reads.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A message that was passed over because it is over the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oversize {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The first of the bytes that were passed over.
    pub head: Vec<u8>,
}

/// Reports of a reader, for the feed.
#[derive(Debug)]
pub struct Seen(Mutex<Reports>);

#[derive(Debug)]
struct Reports {
    heard: Instant,
    /// With the number of the data message, counted from 0.
    oversize: VecDeque<(u64, Oversize)>,
}

impl Default for Seen {
    fn default() -> Self {
        Self(Mutex::new(Reports {
            heard: Instant::now(),
            oversize: VecDeque::new(),
        }))
    }
}

impl Seen {
    /// Time since the last byte was read, or since [`Self::hear`].
    pub fn silent_for(&self) -> Duration {
        self.lock().heard.elapsed()
    }

    /// Restarts that time: bytes were read just now, or could not be read until now.
    pub fn hear(&self) {
        self.lock().heard = Instant::now();
    }

    /// Takes the report on the data message with this number, counted from 0, if that was passed
    /// over.
    pub fn take_oversize(&self, message: u64) -> Option<Oversize> {
        let oversize = &mut self.lock().oversize;
        match oversize.front() {
            Some((number, _)) if *number == message => oversize.pop_front().map(|(_, one)| one),
            _ => None,
        }
    }

    /// Reports that the data message with this number was passed over.
    pub fn add_oversize(&self, message: u64, oversize: Oversize) {
        self.lock().oversize.push_back((message, oversize));
    }

    fn lock(&self) -> MutexGuard<'_, Reports> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
