//! The keys, as data: what each does, where, and what the help says of it. The settings can give
//! any command other keys.

pub mod binding;
pub mod command;
pub mod error;
mod key_name;
mod map;
mod table;

pub use binding::{DefaultBinding, Place};
pub use command::{Command, JumpTarget};
pub use error::KeyError;
pub use map::{Binding, Keymap};
pub use table::KEYS;
