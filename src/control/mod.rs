//! The control API: how other processes watch and steer a running forwarder.
//!
//! It is HTTP with JSON, on a Unix socket in the spool's folder that only its owner can use, and on
//! `control.listen` where that is set. `assets/control.md` describes each request; [`PROTOCOL`] is its
//! version, which is the first part of each path.
//!
//! Whoever uses the socket is an operator. On the network a bearer token says who asks and what they
//! may do; without any tokens everyone on this machine may look, and nobody may change anything.

mod about;
pub mod access;
mod api;
mod body;
pub mod client;
mod dead_letter_requests;
mod events;
mod metrics;
pub mod mirror;
mod probes;
mod refusal;
pub mod remote;
mod routes;
mod screen_feed;
mod server;
pub mod socket;
mod wire;
mod wire_letter;

pub use about::{About, AboutAnswer, PROTOCOL};
pub use access::{Access, Role, Token};
pub use api::{Api, Reload};
pub use server::{Server, ServerError};
