//! The inspector: one event with its history, the raw event and the mapped request.

pub(crate) mod malformed;
pub mod query;
pub mod state;
pub(crate) mod story;
pub(crate) mod update;
pub(crate) mod view;
