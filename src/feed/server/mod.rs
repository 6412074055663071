//! The serving end of a feed: message ids, a bounded ring to resume from, and acknowledgements.
//!
//! Publishing waits for the slowest connected client, so that a replay loses nothing. A server that
//! must not wait (a relay) disconnects a client that is too slow and says so. A client that
//! reconnects resumes from the ring, or from the log if the ring does not go back far enough.

mod client_name;
mod feed_server;
mod lock;
mod log_thread;
mod log_writer;
mod message;
mod options;
mod positions;
mod repair;
mod ring;
mod session;
mod shared;
mod subscription;

pub use client_name::{CLIENT_HEADER, client_name, display_name};
pub use feed_server::{Server, client_message_limits};
pub use log_writer::LogStatus;
pub use options::Options;
pub use ring::ClientStatus;
pub use subscription::{EventTypes, Subscription};

#[cfg(test)]
mod tests;
