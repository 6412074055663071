//! Keys, mouse, palette and help: they turn the operator's input into commands.

pub mod help;
pub mod keymap;
pub(crate) mod keys;
pub mod list_find;
pub(crate) mod mouse;
pub(crate) mod mouse_overlay;
pub(crate) mod mouse_owner;
pub(crate) mod mouse_popup;
pub(crate) mod navigate;
pub mod palette;
pub(crate) mod perform;
pub(crate) mod popup;
