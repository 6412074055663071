//! Getting accepted items to Customer.io: durable first, then batched, in each person's order,
//! again when it fails, and never without a word.
//!
//! # The promise
//!
//! From the moment an event is accepted it is delivered at least once, and with its
//! deterministic id effectively once; or it is a dead letter that someone can see.
//!
//! An event counts as accepted, and the feed is told that it is safe, only when the [`spool`]
//! has it on disk. It leaves the spool only when Customer.io has taken it, or together with its
//! dead letter, in one step. Between these two moments nothing ends it: not an attempt that
//! fails, not a process that is killed, not a disk that is full, not an outage. What may happen
//! is that an answer arrives and the process ends before that is written down: then the event
//! is sent once more, under the same id, which Customer.io ignores.
//!
//! # Who does what
//!
//! [`dispatch`] is the one task that decides what is sent, so nothing is locked. Items wait in
//! [`person_queues::PersonQueues`], those of a person one behind the other. What an answer means for the items
//! is decided in [`verdict`], when they are tried again in [`retry_policy`]; what it means for the
//! destination as a whole in [`breaker`] and [`rate_limiter`]. Memory is bounded by bytes: what doesn't
//! fit waits in the spool alone, and is read back when there is room.

pub mod batch;
pub mod breaker;
mod clock;
pub mod dispatch;
mod item;
mod outcome;
pub mod pending;
pub mod person_queues;
pub mod rate_limiter;
pub mod retry_policy;
pub mod retry_queue;
pub mod spool;
mod status;
#[cfg(test)]
pub(crate) mod tests_support;
pub mod verdict;

pub use breaker::BreakerState;
pub use dispatch::{Channels, Control, Dispatch, Settings};
pub use item::{Accepted, History, Part, Queued, SpoolPosition};
pub use outcome::{Answered, Attempt, Settled, Undelivered};
pub use status::DeliveryStatus;
