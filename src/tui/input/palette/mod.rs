//! Commands, found by a few letters of their name.

pub mod state;
pub(crate) mod update;
pub(crate) mod view;
