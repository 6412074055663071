//! The properties of an event type: how often each is present, its types and values.

pub mod query;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
