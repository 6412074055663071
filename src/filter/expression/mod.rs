//! Conditions over an event, in CEL.
//!
//! They are evaluated without building the event: a variable is resolved when an expression needs
//! it, and a property is parsed only if a condition names it. The common forms of conditions don't
//! need CEL at all (`quick`).

mod compile_error;
mod condition;
mod environment;
mod json_value;
mod names;
mod nesting;
mod quick;
mod truth;
mod variables;

pub use compile_error::CompileError;
pub use condition::{Condition, Evaluation};
pub(super) use condition::{error_text, is_missing_value};
pub use names::{FUNCTIONS, VARIABLES, variable};
pub use variables::{EventContext, Variables};

#[cfg(test)]
mod tests;
