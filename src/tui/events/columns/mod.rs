//! The columns of the events: their values, their widths, and the popup that chooses them.

pub mod column;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
pub(crate) mod widths;
