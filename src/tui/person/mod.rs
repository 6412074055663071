//! One person: who, and what became of their events.

pub(crate) mod layout;
pub mod query;
