//! Dead letters: undelivered items with their reasons, to be retried, exported or discarded.

pub(crate) mod detail_view;
pub(crate) mod query;
pub(crate) mod row;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
