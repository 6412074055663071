//! x
pub mod amplitude;
pub mod customerio;
pub mod filter;
pub mod limits;
