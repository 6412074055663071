//! Sampled verification: a minute after their delivery, a few random events are looked up at
//! Customer.io, as a 200 does not mean that an event was applied.
//!
//! The observer keeps one delivered event of each interval in a [`reservoir`], each with the same
//! chance. The [`verifier`], a task of its own, looks it up by the [`schedule`].

mod reservoir;
pub(super) mod sampler;
pub(super) mod schedule;
#[cfg(test)]
mod tests;
pub(super) mod verifier;
