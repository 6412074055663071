//! The terminal and the clipboard.

pub mod clipboard;
pub mod screen;
