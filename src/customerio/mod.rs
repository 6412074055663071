//! Customer.io's side: what an event becomes there, how it is sent, how its answers read,
//! and a sandbox that enforces what the Track API documents.

pub mod client;
pub mod dedupe;
pub mod item;
pub mod mapping;
pub mod request;
pub mod response;
pub mod sandbox;
pub mod sizes;

pub use client::Client;
pub use item::{Item, Route};
pub use mapping::{Mapped, Mapping, Person};
