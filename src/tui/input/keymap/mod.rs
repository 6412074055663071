//! The key bindings as data: command, scope and help text of each. The configuration can bind any
//! command to other keys.

pub mod binding;
pub mod command;
pub mod error;
mod key_name;
mod map;
mod popup_table;
pub mod synonyms;
mod table;

pub use binding::{DefaultBinding, Scope};
pub use command::{Command, JumpTarget, PopupCommand};
pub use error::KeyError;
pub use map::{Binding, Keymap};
pub use table::KEYS;
