//! The whole way of events at a glance: the stages with their counts and rates, as a view and as a
//! strip of one row.

mod members;
pub(crate) mod query;
pub mod stage;
pub mod state;
pub(crate) mod strip;
pub(crate) mod update;
pub(crate) mod view;
