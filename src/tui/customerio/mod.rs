//! Asking Customer.io: what became of a person and an event after the 200, and whether mail went out,
//! in one timeline with the forwarder's own events.

pub mod about;
pub(crate) mod ask;
pub mod query;
pub mod sentences;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
