//! The preview of a draft: its effect on recent events.

pub mod query;
pub(crate) mod view;
