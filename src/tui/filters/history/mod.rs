//! Every change of the filters: to undo it, and to look it up later.

pub mod log;
pub(crate) mod update;
pub(crate) mod view;
