//! The relay over real sockets: Amplitude's requests come out of the feed.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "../common/program.rs"]
mod program;

mod access;
mod attacked;
mod broken;
mod damaged;
mod disk_damage;
mod end_to_end;
mod fixture;
mod pass_through;
mod paths;
mod positions;
mod reading;
mod retained;
mod settings;
mod slow_amplitude;
mod uploads;

use fixture::{Client, http, next, open, relay, subscribed};
