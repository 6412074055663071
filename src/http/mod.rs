//! HTTP as a client: the settings that all clients share, and replies as they came.

mod client;
mod install;
pub mod reply;
mod user_agent;

pub use client::{client, no_answer};
pub use install::install_ring;
pub use user_agent::USER_AGENT;
