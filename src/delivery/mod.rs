//! Delivery of accepted items to Customer.io: durable first, then in batches, in each person's
//! order, with retries, and never with a silent loss.
//!
//! # Promise
//!
//! From the moment an event is accepted it is delivered at least once, and with its
//! deterministic id effectively once; or it is a dead letter that someone can see.
//!
//! An event counts as accepted, and the feed is acknowledged, only once the [`spool`] has it on
//! disk. It leaves the spool only when Customer.io has accepted it, or together with its dead
//! letter, in one step. Between these two moments nothing ends it: no failed attempt, no killed
//! process, no full disk, no outage. Where the process ends between an answer and its commit, the
//! event is sent once more under the same id, which Customer.io ignores.
//!
//! # Parts
//!
//! [`Dispatch`] is the one task that decides what is sent, so nothing is locked. Items wait in
//! `person_queues`, which keep each person's items in order. `verdict` decides what an answer
//! means for the items, and [`retry_policy`] when they are tried again. [`breaker`] and
//! `rate_limiter` decide whether and how fast the destination as a whole gets requests. Memory is
//! bounded by bytes: further items wait in the spool alone, and are read back when there is room.

mod batch;
pub mod breaker;
mod clock;
mod dispatch;
pub mod fence;
mod item;
mod outcome;
mod pending;
mod person_queues;
mod rate_limiter;
pub mod retry_policy;
mod retry_queue;
pub mod spool;
mod status;
#[cfg(test)]
pub(crate) mod tests_support;
mod verdict;

pub use breaker::BreakerState;
pub use dispatch::{Channels, Control, DeliverySettings, Dispatch};
pub use item::{Accepted, History, Part, Queued, SpoolPosition};
pub use outcome::{Attempt, DeliveryReport, ItemOutcome, Undelivered};
pub use status::DeliveryStatus;
