//! The task that decides what is sent and when.
//!
//! [`Dispatch`] owns the queues, the rate limiter, the breaker and the requests in flight, so
//! nothing is locked. It reads the spool's events, and publishes its status and each answer.

mod dispatcher;
mod loading;
mod lost;
mod sending;
mod settings;
mod settling;
mod tasks;
#[cfg(test)]
mod tests;

pub use dispatcher::{Channels, Control, Dispatch};
pub use settings::DeliverySettings;
