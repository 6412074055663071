//! The control API: how other processes watch and steer a running forwarder, and watch a relay.
//!
//! It is HTTP with JSON, on a Unix socket in the spool's folder that only its owner can use, and on
//! `control.listen` where that is set. `assets/control.md` describes each request; [`PROTOCOL`] is its
//! version, which is the first part of each path.
//!
//! Whoever uses the socket is an operator. On the network a bearer token says who asks and what they
//! may do; without any tokens everyone on this machine may look, and nobody may change anything.
//!
//! Any number of screens may be attached: one task reads the ring for all of them, and writes what they
//! are sent once. At 20,000 events a second, 20 screens cost the forwarder no CPU time that could be told
//! from noise (13.5 s a million events with them, 14.1 without) and 8 MB. At full speed, where the 20
//! connections compete with the pipeline for two cores, they take 14 % of it: 108,000 events a second
//! instead of 126,000 (`cargo bench --bench end_to_end -- --screens 20`).

mod about;
pub mod access;
mod api;
mod body;
pub mod client;
mod dead_letter_requests;
mod door;
mod events;
pub mod group;
#[cfg(unix)]
pub mod local_socket;
mod metrics;
pub mod mirror;
mod probes;
mod refusal;
mod relay_api;
pub mod remote;
mod routes;
mod screen_feed;
mod screen_hub;
mod screen_stream;
mod screen_tick;
mod server;
mod skipped;
pub mod socket;
mod versions;
mod whole_event;
mod wire;
mod wire_letter;

pub use about::{About, AboutAnswer, PROTOCOL};
pub use access::{Access, Role, Token};
pub use api::{Api, Reload};
pub use door::Doors;
pub use relay_api::{AboutRelay, AboutRelayAnswer, RelayApi};
pub use server::{Server, ServerError};
pub use versions::{SCREEN_FORMAT, VersionMismatch, Versions};
