//! The event whose dead letter is retried.

use ulid::Ulid;

use crate::amplitude::time::UnixMs;
use crate::delivery::spool::dead_letters::DeadLetter;

/// The event whose dead letters are wanted: the event itself, and the identify that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetriedEvent {
    /// Its person.
    pub person: String,
    /// Its dedupe ID.
    pub id: Ulid,
    /// When it was received. An event that comes twice has the same ID.
    pub received_ms: UnixMs,
}

impl RetriedEvent {
    /// Whether a dead letter is of the event.
    ///
    /// The sequence numbers are not compared: a dead letter may be of an earlier run, and a screen
    /// that is attached has other numbers after the forwarder was started again.
    pub(crate) fn is_of(&self, letter: &DeadLetter) -> bool {
        let accepted = &letter.accepted;
        accepted.item.id == self.id && accepted.received_ms == self.received_ms
    }
}
