//! The state of the properties of an event type.

use std::sync::Arc;

use crate::tui::properties::query::Properties;

/// An open event type.
#[derive(Debug)]
pub struct OpenedProperties {
    /// The event type.
    pub event_type: Arc<str>,
    /// The row of the cursor.
    pub row: usize,
    /// The properties. None while they are collected.
    pub found: Option<Properties>,
}
