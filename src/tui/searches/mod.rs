//! Saved searches: a text, an expression or a condition under a name.

pub mod state;
pub(crate) mod update;
pub(crate) mod view;
