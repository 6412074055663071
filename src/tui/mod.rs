//! The screen. Each concern of the operator has a folder, with its query over the ring, its update,
//! its view and its state. [`state::State`] is plain data, [`action::Action`] an input,
//! [`action::Effect`] a request to the shell. [`update`] and [`view`] are pure. [`session`] adds the
//! queries over the ring, and [`shell`] the terminal and the pipeline.

pub mod action;
mod areas;
pub mod audit;
pub mod compare;
pub mod copy;
pub mod customerio;
pub mod dead_letters;
pub mod delivery;
pub mod detail;
mod each_second;
pub mod events;
pub mod filters;
mod forwarder;
pub mod frame;
pub mod input;
mod inputs;
pub mod inspector;
mod jobs;
pub mod limits;
pub mod memory;
mod ndjson_file;
mod opening;
pub mod person;
pub mod privacy;
pub mod properties;
pub mod range;
pub mod relay;
pub mod row;
pub mod searches;
pub mod session;
pub mod shell;
pub mod stages;
pub mod state;
pub mod terminal;
pub mod throughput;
pub mod tour;
pub mod update;
pub mod view;
pub mod watches;
pub mod why;
pub mod widget;

pub use forwarder::Forwarder;
pub use opening::{Opening, Reload};
pub use shell::{attach, run};
pub use state::Labels;
