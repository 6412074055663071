//! The help: all keys by part of the screen, the signs, and the letters in charts. It can be searched.

pub(crate) mod content;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
