//! The state of the pipeline view.

use crate::tui::stages::stage::Stage;

/// The open pipeline view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedStages {
    /// The stage under the cursor. Rows come and go, so the cursor is not a row.
    pub stage: Stage,
}
