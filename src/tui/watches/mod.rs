//! Watched conditions: how often each is met, and alerts.

pub mod query;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
