//! Delivery: what became of accepted events, the spool and the destination.

pub(crate) mod drain_view;
pub(crate) mod update;
pub(crate) mod view;
