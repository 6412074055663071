//! The event type whose properties are open.

use std::sync::Arc;

use crate::tui::properties::query::Properties;

/// A type whose properties are looked at.
#[derive(Debug)]
pub struct OpenedProperties {
    /// The selection.
    pub event_type: Arc<str>,
    /// The row that the cursor is on.
    pub row: usize,
    /// The properties; none while they are looked for.
    pub found: Option<Properties>,
}
