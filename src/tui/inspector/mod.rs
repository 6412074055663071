//! One event: its story, the raw event and the mapped request.

pub mod query;
pub mod state;
pub(crate) mod story;
pub(crate) mod update;
pub(crate) mod view;
