//! Comparing two events, or two ranges of time: a popup with both side by side.

pub(crate) mod events;
pub(crate) mod ranges;
pub mod state;
pub mod table;
pub(crate) mod update;
pub(crate) mod view;
