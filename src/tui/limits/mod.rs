//! The violated limits, and the violations of one limit.

pub mod query;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
pub mod violations;
