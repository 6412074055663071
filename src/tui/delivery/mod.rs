//! Delivery: the outcome of accepted events, the spool and the destination; gate and quit.

pub(crate) mod drain_view;
mod histogram;
pub mod queue_reason;
pub(crate) mod retry_now;
pub(crate) mod state;
pub(crate) mod update;
mod verification;
pub(crate) mod view;
