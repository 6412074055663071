//! Sluicegate.
pub mod amplitude;
pub mod cli;
pub mod command;
pub mod config;
pub mod customerio;
pub mod delivery;
pub mod feed;
pub mod filter;
pub mod limits;
pub mod pipeline;
pub mod protocol;
pub mod telemetry;
pub mod tui;
