//! The palette: finds commands by a few letters.

pub(crate) mod obstacle;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
