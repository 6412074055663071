//! Copying an event, or a dead letter, in several formats.

pub mod format;
pub(crate) mod update;
