//! One person: identity, and the outcome of their events.

pub(crate) mod layout;
pub mod query;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
