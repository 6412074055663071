//! The terminal and the clipboard.

pub mod clipboard;
pub(crate) mod event;
pub(crate) mod opener;
pub mod screen;
mod theme_choice;
