//! The limits of a log.

use std::time::Duration;

/// The time and size limits of the messages in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Maximum age of a message.
    pub age: Duration,
    /// Maximum size of all messages, in bytes.
    pub bytes: u64,
}
