//! Hiding who people are, on the screen and in copies.

pub mod mask;
pub mod on_screen;
