//! Keys, mouse, palette and help: they turn the operator's input into commands.

pub(crate) mod help;
pub mod keymap;
pub(crate) mod keys;
pub(crate) mod mouse;
pub(crate) mod mouse_owner;
pub(crate) mod navigate;
pub(crate) mod palette;
pub(crate) mod perform;
pub(crate) mod popup;
