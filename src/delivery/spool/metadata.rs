//! The spool's own record of its progress, written with each commit.

use serde::{Deserialize, Serialize};

/// The progress of a spool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Metadata {
    /// The number of the newest chunk.
    pub(super) chunk: u64,
    /// Number of items that were ever appended.
    pub(super) appended: u64,
    /// The feed's last message of which every accepted event is in the spool.
    pub(super) message: Option<String>,
    /// The feed that sent it.
    pub(super) feed: String,
}
