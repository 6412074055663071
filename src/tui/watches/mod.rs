//! Watched conditions: counts, history and alerts.

pub mod query;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
