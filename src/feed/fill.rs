//! How full a ring or a log of messages is, and how far it goes back.

use serde::Serialize;
use uuid::Uuid;

use crate::amplitude::time::UnixMs;

/// How full something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Fill {
    /// Messages in it.
    pub messages: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// So many may be in it.
    pub most_bytes: u64,
    /// How old the oldest is.
    pub age_ms: i64,
}

/// How long ago a message was published: its id says when.
pub fn age_ms(id: Uuid, now_ms: UnixMs) -> i64 {
    (now_ms - published_ms(id)).max(0)
}

/// When a message was published.
pub fn published_ms(id: Uuid) -> UnixMs {
    // The first 48 bits of a UUIDv7 are its time, in milliseconds.
    (id.as_u128() >> 80) as UnixMs
}
