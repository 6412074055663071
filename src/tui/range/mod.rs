//! A chosen range of time: events, event types and violations are limited to it, and an incident summary
//! tells what happened in it.

pub mod query;
pub mod state;
pub mod summary;
pub mod time_range;
pub(crate) mod update;
