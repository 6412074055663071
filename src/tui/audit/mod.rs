//! The audit on the screen: which hours of Amplitude's export arrived, and what is behind an hour.

pub(crate) mod job;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
