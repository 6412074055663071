//! The limit that is open.

use crate::limits::Code;
use crate::tui::limits::query::Breakdown;

/// A limit that is looked at.
#[derive(Debug)]
pub struct OpenedLimit {
    /// The selection.
    pub code: Code,
    /// The row that the cursor is on.
    pub row: usize,
    /// Where it is broken; none while that is looked for.
    pub breakdown: Option<Breakdown>,
}
