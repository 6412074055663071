//! The client of Customer.io's App API: what became of people and events after the Track API's 200.
//!
//! It asks only what somebody wants to know, at most 10 times a second, and keeps the last answers
//! for a few seconds. Questions of operators come before those of the program.

mod activity;
mod client;
mod error;
mod pace;
mod question;
mod read;
#[cfg(test)]
mod tests;

pub use activity::{Activity, Meaning};
pub use client::{AppClient, AppDestination, EventLook};
pub use error::{AppClientError, AppError};
pub use pace::Priority;
pub use question::{EventAnswer, EventKey, Look, PersonKey, PersonKind, Question};
