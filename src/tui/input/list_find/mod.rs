//! Type-ahead: moves the cursor of a list to the row with a text.

pub(crate) mod labels;
pub mod state;
pub(crate) mod update;
