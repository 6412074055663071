//! What a forwarder is, for its clients.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::{self, UnixMs};
use crate::protocol::Author;

use super::access::Role;

/// The version of the API, which is the first part of each path.
pub const PROTOCOL: u32 = 1;

/// What a forwarder is, for its clients.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    /// The version of the API.
    pub protocol: u32,
    /// The version of the program.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it was started. In a container each process has the same ID.
    #[serde(default)]
    pub started_ms: UnixMs,
    /// The name of the workspace.
    pub workspace: String,
    /// The destination, without secrets.
    pub destination: String,
    /// The feed, without secrets.
    pub feed: String,
}

/// The answer to who the forwarder is, and who asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AboutAnswer {
    /// The forwarder.
    pub forwarder: About,
    /// Whoever asks.
    pub you: Author,
    /// What they may do.
    pub role: Role,
    /// Whether people are masked in everything that they are sent.
    #[serde(default)]
    pub people_masked: bool,
}

impl About {
    /// Describes this process.
    pub fn this(workspace: String, destination: String, feed: String) -> Self {
        Self {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_ms: time::now(),
            workspace,
            destination,
            feed,
        }
    }
}
