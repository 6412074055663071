//! The status of a relay, for the screen and for health checks.

use serde::Serialize;

use crate::amplitude::time::UnixMs;
use crate::feed::server::{ClientStatus, LogStatus};
use crate::feed::usage::Usage;

use super::sources::SourceStatus;

/// Counts since the start. Names no sender or client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RelayCounts {
    /// Number of accepted events.
    pub received: u64,
    /// Number of refused requests.
    pub refused: u64,
    /// Number of connected clients.
    pub clients: usize,
    /// Number of messages in memory, for clients that reconnect.
    pub kept: u64,
    /// Their size in bytes.
    pub kept_bytes: u64,
    /// Number of messages lost to damage of the log, as far as they could be counted.
    pub lost: u64,
}

/// The status of a relay.
#[derive(Debug, Clone, Serialize)]
pub struct RelayStatus {
    /// Time of this status.
    pub at_ms: UnixMs,
    /// Time of the start.
    pub since_ms: UnixMs,
    /// Number of accepted events.
    pub received: u64,
    /// Number of refused requests.
    pub refused: u64,
    /// The messages in memory.
    pub ring: Usage,
    /// The messages on disk, if there is a log.
    pub log: Option<LogStatus>,
    /// The senders.
    pub sources: Vec<SourceStatus>,
    /// The connected clients.
    pub clients: Vec<ClientStatus>,
}
