//! The options of a server.

use std::time::Duration;

/// The options of a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Maximum size of the messages in memory, in bytes, for clients that reconnect.
    pub ring_bytes: usize,
    /// Whether publishing waits until a client is connected.
    pub wait_for_client: bool,
    /// Whether publishing waits for slow clients. If not, a client is disconnected when it takes
    /// nothing for `patience`, or when its next message has left the ring.
    pub wait_for_slow: bool,
    /// Maximum time for which a client may take nothing.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ring_bytes: 64 << 20,
            wait_for_client: true,
            wait_for_slow: true,
            patience: Duration::from_secs(10),
        }
    }
}
