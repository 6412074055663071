//! A stand-in for Customer.io's Track API that enforces its documented limits.
//!
//! It checks credentials, sizes, counts and names, answers 207 item by item, ignores events whose
//! ULID it knows, and creates people on first sight. Faults can be injected: delays, throttling,
//! errors, broken connections, sign-in pages, proxies. Its content is served at `/sandbox/…`.

mod access;
mod answer;
mod check;
mod control;
mod fault_injection;
mod faults;
mod item;
mod server;
mod state;
mod store;
mod stored_event;
mod track_api;
mod v1;

pub use faults::{Fault, Faults};
pub use server::{Options, Sandbox};
pub use store::Counts;
pub use stored_event::{Attributes, StoredEvent};
