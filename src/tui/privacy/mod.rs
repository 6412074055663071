//! Privacy: masks personal data on the screen and in copies.

pub mod mask;
pub mod on_screen;
