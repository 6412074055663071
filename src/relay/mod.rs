//! Turns Amplitude's HTTP requests into a live feed, because Amplitude itself offers none. Receives
//! *Webhooks Streaming* and SDK uploads, and serves them as a WebSocket feed to `watch` and `run`.
//!
//! ```text
//!  Amplitude ── POST /webhook ──────┐             ┌── GET /feed ── watch
//!  SDKs ─────── POST /2/httpapi ────┼──▶ ring ──▶─┤
//!  servers ──── POST /batch ────────┘             └── GET /feed ── run
//! ```
//! Each client reads at its own speed. A client that takes nothing for too long is cut off, at no
//! cost to the others, and resumes from the ring or the log when it reconnects.

mod answer;
mod body;
mod connections;
mod endpoint;
pub mod intake;
mod options;
pub mod pass_through;
pub mod refusal;
mod relay_server;
mod routes;
mod sender;
pub mod sources;
mod start;
mod status;
mod subscribe;
pub mod throttle;
mod upload;
pub mod webhook_mapping;
mod wrong_path;

pub use endpoint::Endpoint;
pub use options::Options;
pub use relay_server::Relay;
pub use start::StartError;
pub use status::{RelayCounts, RelayStatus};
pub use upload::SECRET_HEADER;

#[cfg(test)]
mod tests;
