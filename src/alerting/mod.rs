//! Alerts without a screen: `[[alerts]]` name states that somebody must know of, and who is told.
//!
//! An [`AlertRule`] says which state and how bad. Each second a [`course::Course`] decides from the
//! published snapshot whether it fires, fires again, or has recovered. Messages go to the log, to a webhook
//! and to a command; a receiver that is slow or down delays its own messages alone, and the way of the
//! events knows nothing of them.

mod command;
mod course;
mod level;
mod message;
mod rule;
mod task;
mod webhook;

pub use rule::{AlertRule, AlertState, Format};
pub use task::{Notifier, run};
