//! The position of a client among the messages.

use uuid::Uuid;

use crate::amplitude::time::UnixMs;

/// The position of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The last message that it acknowledged.
    pub id: Uuid,
    /// When it last connected, disconnected or acknowledged.
    pub last_seen_ms: UnixMs,
}
