//! Dead letters: undelivered items with their reasons, to be retried, exported or discarded.

pub mod state;
pub(crate) mod update;
pub(crate) mod view;
