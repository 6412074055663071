//! The ids that a server gives to its messages.

use std::sync::Arc;

use crate::text::visible;

/// A message's id, as the server sent it.
pub type MessageId = Arc<str>;

/// Maximum size of an id that the feed resumes from, in bytes. The id becomes part of a URL, and
/// most servers limit a URL to 8 kB.
pub const MAX_MESSAGE_ID_BYTES: usize = 256;

/// Whether the feed can ask a server to resume after this id: it is not empty, has at most 256
/// bytes, and all its characters are visible.
pub fn is_message_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_MESSAGE_ID_BYTES && id.chars().all(|c| visible(c) == c)
}
