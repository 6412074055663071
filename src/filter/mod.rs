//! The filters: event-type toggles, then rules in order, lead to a [`Decision`] on each event.
//!
//! [`SharedGate`] is the one gate in force: the compiled filters, and the mode. A draft of filters
//! is measured by [`preview`] before it is applied. [`catalog`], [`advice`] and [`expression_builder`]
//! help to write conditions, [`change`] describes the difference of two sets of filters, [`rebase`]
//! puts the changes of two people together, and [`explain`] tells why an event was filtered out.

pub mod advice;
pub mod catalog;
pub mod change;
mod compiled_filters;
mod decision;
pub mod explain;
pub mod expression;
pub mod expression_builder;
mod filters;
mod gate;
mod mode;
pub mod preview;
pub mod rebase;
mod rule;
mod rule_counts;
mod shared_gate;

pub use decision::{BlockedBy, Decision};
pub use expression::{CompileError, Condition};
pub use filters::{Filters, Switch};
pub use gate::Gate;
pub use mode::Mode;
pub use rule::{Rule, RuleEffect, RuleError};
pub use rule_counts::{RuleTally, TIMED_OF};
pub use shared_gate::{GateChanges, SharedGate};

#[cfg(test)]
mod tests;
