//! Throughput: rates over time, a time cursor, and incidents.

pub(crate) mod axis;
pub(crate) mod charts;
pub(crate) mod layout;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
