//! The tour of the demo: three steps, on the first run and whenever the operator asks for it.

pub mod state;
pub(crate) mod update;
pub(crate) mod view;
