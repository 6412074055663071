//! The control API: `ctl` and other clients against real forwarders, by the socket and by TLS.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

mod bench;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/forwarder.rs"]
mod forwarder;
mod lifecycle;
mod masked;
mod metrics;
mod network;
#[path = "../common/program.rs"]
mod program;
mod relay;
mod steering;
#[path = "../common/stub.rs"]
mod stub;
#[path = "../common/tls.rs"]
mod tls;
mod versions;
