//! Rates over time, a cursor on them, and what happened when.

pub(crate) mod layout;
