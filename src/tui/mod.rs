//! The screen. A folder for each concern of the operator, each with its query over the ring, its
//! update, its view and its part of the state. [`state::State`] is plain data, [`action::Action`]
//! is all that can happen, [`update`] is all behaviour and pure, [`view`] is all drawing and pure;
//! [`shell`] runs them.

pub mod action;
pub mod copy;
pub mod dead_letters;
pub mod delivery;
pub mod events;
pub mod filters;
pub mod frame;
pub mod input;
pub mod inspector;
mod jobs;
pub mod limits;
pub mod memory;
mod opening;
pub mod person;
pub mod privacy;
pub mod properties;
pub mod relay;
pub mod session;
pub mod shell;
pub mod state;
pub mod terminal;
pub mod throughput;
pub mod update;
pub mod view;
pub mod watches;
pub mod widget;

pub use opening::{Opening, Reload};
pub use shell::run;
pub use state::Labels;
