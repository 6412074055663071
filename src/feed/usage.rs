//! The usage of a ring or a log of messages: size, limit and age.

use serde::Serialize;
use uuid::Uuid;

use crate::amplitude::time::UnixMs;

/// The usage of a bounded store of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// Number of messages.
    pub messages: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Maximum size in bytes.
    #[serde(rename = "most_bytes")]
    pub max_bytes: u64,
    /// Age of the oldest message, in milliseconds; 0 without messages.
    pub age_ms: i64,
}

/// Milliseconds since the message with this id was published.
pub fn age_ms(id: Uuid, now_ms: UnixMs) -> i64 {
    (now_ms - published_ms(id)).max(0)
}

/// The time at which the message with this id was published.
pub fn published_ms(id: Uuid) -> UnixMs {
    // The first 48 bits of a UUIDv7 are its time in milliseconds (RFC 9562, 5.7).
    (id.as_u128() >> 80) as UnixMs
}
