//! The sizes and counts that Customer.io's Track API documents.

use crate::amplitude::json::{self, Kind};

/// A person's ID, in bytes: Customer.io Track API, customer limits; Amplitude's Customer.io page.
pub const ID_BYTES: usize = 150;
/// Unique attributes of a person, and of one identify: Customer.io Track API, customer limits.
pub const ATTRIBUTES: usize = 300;
/// An attribute's name, in bytes: Customer.io Track API, customer limits.
pub const ATTRIBUTE_NAME_BYTES: usize = 150;
/// An attribute's value, in bytes: Customer.io Track API, customer limits.
pub const ATTRIBUTE_VALUE_BYTES: usize = 1_000;
/// An event's name, in bytes: Customer.io Track API, event limits.
pub const EVENT_NAME_BYTES: usize = 100;
/// An event's data, in bytes: Customer.io Track API v1, event limits; Amplitude's Customer.io page.
pub const EVENT_DATA_BYTES: usize = 100_000;
/// One item of a v2 batch, in bytes. Customer.io writes "32 kB"; the smaller reading is the safe one.
pub const BATCH_ITEM_BYTES: usize = 32_000;
/// A whole v2 batch, in bytes: Customer.io Track API v2, "under 500 kB".
pub const BATCH_BYTES: usize = 500_000;

/// The size that Customer.io counts for an attribute's value: a string's content, or the JSON.
pub fn value_bytes(raw: &str) -> usize {
    match json::kind(raw) {
        Kind::String => json::string(raw).map_or(raw.len(), |text| text.len()),
        _ => raw.len(),
    }
}
