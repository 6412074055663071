//! Alerts without a screen: `[[alerts]]` name states that somebody must know of, and who is told.
//!
//! An [`AlertRule`] says which state and how bad. Each second a [`course::Course`] decides from the
//! published snapshot whether it fires, fires again, or has recovered; a watched condition is counted on
//! the events in the ring. [`AlertState`] has the condition and the sentence of each state, also for the
//! screen. Messages go to the log, to a webhook
//! and to a command; a receiver that is slow or down delays its own messages alone, and the way of the
//! events knows nothing of them.

mod command;
mod course;
mod message;
mod rule;
mod state;
mod task;
mod watching;
mod webhook;

pub use rule::{AlertRule, Format};
pub use state::{AlertState, Level};
pub use task::{Notifier, run};
