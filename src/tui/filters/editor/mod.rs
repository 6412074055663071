//! The rule editor.

pub mod state;
pub(crate) mod update;
pub(crate) mod view;
