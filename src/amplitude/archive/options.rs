//! Options of reading.

use crate::amplitude::time::UnixMs;

/// Default maximum size of an element, in bytes.
pub const MAX_EVENT_BYTES: usize = 64 << 20;

/// Options of reading an archive.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Maximum size of an element, in bytes; a larger one is skipped.
    pub max_event_bytes: usize,
    /// The time at which events count as received.
    pub received_ms: UnixMs,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_event_bytes: MAX_EVENT_BYTES,
            received_ms: 0,
        }
    }
}
