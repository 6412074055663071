//! The history of the filters: undo, redo, and the list of changes.

pub mod log;
pub(crate) mod update;
pub(crate) mod view;
