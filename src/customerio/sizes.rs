//! The maximum sizes and counts of Customer.io's Track API.

use crate::amplitude::json::{self, Kind};

/// Maximum size of a person's ID, in bytes: Customer.io Track API, customer limits; Amplitude's Customer.io page.
pub const ID_BYTES: usize = 150;
/// Maximum attributes of a person, and of one identify: Customer.io Track API, customer limits.
pub const ATTRIBUTES: usize = 300;
/// Maximum size of an attribute's name, in bytes: Customer.io Track API, customer limits.
pub const ATTRIBUTE_NAME_BYTES: usize = 150;
/// Maximum size of an attribute's value, in bytes: Customer.io Track API, customer limits.
pub const ATTRIBUTE_VALUE_BYTES: usize = 1_000;
/// Maximum size of an event's name, in bytes: Customer.io Track API, event limits.
pub const EVENT_NAME_BYTES: usize = 100;
/// Maximum size of an event's data, in bytes: Customer.io Track API v1, event limits; Amplitude's
/// Customer.io page.
pub const EVENT_DATA_BYTES: usize = 100_000;
/// Maximum size of an item of a v2 batch, in bytes. Customer.io documents "32 kB"; 32,000 is the safe
/// interpretation.
pub const BATCH_ITEM_BYTES: usize = 32_000;
/// Maximum size of a v2 batch, in bytes: Customer.io Track API v2, "under 500 kB".
pub const BATCH_BYTES: usize = 500_000;

/// The size of an attribute's value as Customer.io counts it, in bytes: the content of a string, or
/// the JSON of another value.
pub fn value_bytes(raw: &str) -> usize {
    match json::kind(raw) {
        Kind::String => json::string(raw).map_or(raw.len(), |text| text.len()),
        _ => raw.len(),
    }
}
