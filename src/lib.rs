//! x
pub mod amplitude;
pub mod customerio;
pub mod delivery;
pub mod filter;
pub mod limits;
pub mod config;
pub mod feed;
pub mod pipeline;
pub mod protocol;
pub mod telemetry;
pub mod cli;
pub mod command;
pub mod tui;
