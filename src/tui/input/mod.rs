//! Keys, mouse, palette and help: from what the operator presses to a command.

pub(crate) mod help;
pub mod keymap;
pub(crate) mod keys;
pub(crate) mod mouse;
pub(crate) mod mouse_owner;
pub(crate) mod navigate;
pub(crate) mod palette;
pub(crate) mod perform;
pub(crate) mod popup;
