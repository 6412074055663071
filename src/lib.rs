//! x
pub mod amplitude;
pub mod customerio;
pub mod delivery;
pub mod filter;
pub mod limits;
pub mod config;
