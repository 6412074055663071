//! Dead letters: what could not be delivered, with its reason, and what to do about it.

pub mod state;
pub(crate) mod update;
pub(crate) mod view;
