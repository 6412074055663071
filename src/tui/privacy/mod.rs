//! Privacy: masks personal data on the screen and in copies.

pub(crate) mod buffer;
pub mod on_screen;
