//! Masks people: on a screen that others look at, and in everything that a viewer is sent.

mod condition;
pub mod mask;
#[cfg(test)]
mod tests;
mod viewer;

pub use viewer::ViewerMask;
