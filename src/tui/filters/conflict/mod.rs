//! A draft whose filters somebody else has changed: who did, what both changed, and what to do.

pub mod state;
pub(crate) mod update;
pub(crate) mod view;
