//! What decides whether an event is forwarded: the event types that are selected, then the
//! rules, in order. Every event gets a [`Decision`] that names what decided.
//!
//! A draft of them is measured by [`preview`] before it is put in force; [`catalog`] and [`expression_builder`]
//! help to write one, [`change`] tells what it changes; [`explain`]
//! tells why an event was held back.

pub mod catalog;
pub mod change;
pub mod explain;
pub mod expression;
pub mod expression_builder;
pub mod gate;
mod nesting;
pub mod preview;

pub use expression::{CompileError, Condition};
pub use gate::{BlockedBy, Decision, Filters, Gate, Mode, Rule, RuleEffect};

#[cfg(test)]
mod tests;
