//! A stand-in for Customer.io's Track API that enforces its documented limits, and for the part of
//! its App API that tells what became of people and events.
//!
//! It checks credentials, sizes, counts and names, answers 207 item by item, ignores events whose
//! ULID it knows, and creates people on first sight. Faults can be injected: delays, throttling,
//! errors, broken connections, sign-in pages, proxies; and events that are taken with 200 and then
//! failed or lost. Its content is served at `/sandbox/…`.

mod access;
mod activities;
mod activity;
mod answer;
mod app_api;
mod app_faults;
mod check;
mod contains;
mod control;
mod fault_injection;
mod faults;
mod item;
mod mail;
mod profile;
mod server;
mod state;
mod store;
mod stored_event;
mod track_api;
mod v1;

pub use app_faults::AppFaults;
pub use faults::{Fault, Faults};
pub use server::{Options, Sandbox};
pub use store::Counts;
pub use stored_event::{Attributes, StoredEvent};
