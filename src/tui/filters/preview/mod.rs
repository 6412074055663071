//! What a draft of the filters would change, measured on recent events.

pub mod query;
pub(crate) mod view;
