//! The screen in a pseudo-terminal, played by keys as an operator would.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

mod already_running;
mod attach;
mod audit;
mod configuration;
mod conflicts;
mod customerio;
mod delivery;
mod detail;
mod display;
mod doctor;
mod events;
mod far;
mod filters;
mod home;
mod lifecycle;
#[path = "../common/line.rs"]
mod line;
#[path = "../common/program.rs"]
mod program;
mod pty;
mod readme_tour;
mod relay;
#[path = "../common/rights.rs"]
mod rights;
mod stages;
mod timeline;
#[path = "../common/tls.rs"]
mod tls;
