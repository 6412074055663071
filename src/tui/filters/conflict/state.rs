//! The state of the popup about a conflict.

use crate::protocol::ChangeRecord;

/// A draft that was not applied, because somebody else had changed the filters since it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Their changes, the newest last.
    pub changes: Vec<ChangeRecord>,
    /// The time for which the draft was to be applied, in milliseconds. None: for good.
    pub for_ms: Option<i64>,
}
