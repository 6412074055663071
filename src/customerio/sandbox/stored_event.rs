//! The events and attributes that the sandbox keeps.

use serde::{Deserialize, Serialize};

/// One event that the sandbox keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// The dedupe id; empty if it came without one.
    pub id: String,
    /// The event's name.
    pub name: String,
    /// Unix seconds, if given.
    pub timestamp: Option<i64>,
    /// The event's data.
    pub attributes: serde_json::Value,
}

/// A person's attributes.
pub type Attributes = serde_json::Map<String, serde_json::Value>;
