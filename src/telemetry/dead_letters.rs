//! What can't be delivered, kept with its reason.
//!
//! It is kept in memory, bounded by bytes. Where that is full the oldest go, which is
//! counted and logged: nothing goes without a word.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::amplitude::time::UnixMs;
use crate::delivery::{Queued, Undelivered};

/// One event, or identify, that can't be delivered.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// When that was known.
    pub at_ms: UnixMs,
    /// Why.
    pub why: Undelivered,
    /// What Customer.io says.
    pub reason: String,
    /// The field at fault.
    pub field: String,
    /// What could not be sent.
    pub queued: Queued,
}

/// The dead letters that several tasks share.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    letters: VecDeque<DeadLetter>,
    bytes: usize,
    most_bytes: usize,
}

impl DeadLetters {
    /// None yet; up to `most_bytes` are kept.
    pub fn new(most_bytes: usize) -> Self {
        let kept = Kept {
            letters: VecDeque::new(),
            bytes: 0,
            most_bytes,
        };
        Self {
            kept: Arc::new(Mutex::new(kept)),
        }
    }

    /// Keeps one more; returns how many had to go for it.
    pub fn keep(&self, letter: DeadLetter) -> u64 {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += size(&letter);
        kept.letters.push_back(letter);
        let mut gone = 0;
        while kept.bytes > kept.most_bytes && kept.letters.len() > 1 {
            if let Some(old) = kept.letters.pop_front() {
                kept.bytes -= size(&old);
                gone += 1;
            }
        }
        gone
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .letters
            .len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that are kept, oldest first.
    pub fn all(&self) -> Vec<DeadLetter> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.letters.iter().cloned().collect()
    }
}

fn size(letter: &DeadLetter) -> usize {
    size_of::<DeadLetter>()
        + letter.queued.item.body.len()
        + letter.reason.len()
        + letter.field.len()
}
