//! The violated limits, and the violations of one limit.

mod heat_map;
pub mod query;
pub(crate) mod rejections;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
pub mod violations;
