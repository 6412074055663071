//! Customer.io's side: the mapping of events to items, the client that sends them, the meaning of its
//! answers, and a sandbox that enforces the limits of the Track API.

pub mod app;
pub mod client;
pub mod dedupe;
pub mod item;
pub mod mapping;
pub mod request;
pub mod response;
pub mod sandbox;
pub mod sizes;

pub use client::Client;
pub use item::{Item, Route, WrittenItem};
pub use mapping::{Mapped, Mapping, Person};
