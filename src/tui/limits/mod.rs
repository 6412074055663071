//! The limits that events violate, and where each is violated.

pub mod query;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
pub mod violations;
