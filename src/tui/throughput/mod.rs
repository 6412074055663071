//! Rates over time, a cursor on them, and what happened when.

pub(crate) mod layout;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
