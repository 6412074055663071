//! The state of a feed, as the screen and the control API show it.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

/// The state of a feed, and its counts since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// The state of the connection.
    pub state: FeedState,
    /// Number of successful connections.
    pub connects: u64,
    /// The time since which the pipeline has been too slow to take the feed's next frame.
    pub blocked_since_ms: Option<UnixMs>,
    /// The time span that the last reconnect had to cover, as text. The pipeline sets it: it knows
    /// the messages before and after the gap.
    pub resumed: Option<String>,
    /// Number of times that the feed gave up a message id from which the server could not resume.
    /// Events may be missing each time.
    #[serde(default)]
    pub given_up: u64,
}

/// The state of a feed's connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// The first connection is being made.
    #[default]
    Connecting,
    /// Connected.
    Live,
    /// Disconnected; a reconnect is scheduled.
    Down {
        /// The reason, for display.
        why: String,
        /// Time of the next attempt.
        next_ms: UnixMs,
    },
}
