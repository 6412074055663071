//! The state of an open limit.

use crate::limits::Code;
use crate::tui::limits::query::Breakdown;

/// An open limit.
#[derive(Debug)]
pub struct OpenedLimit {
    /// The code of the limit.
    pub code: Code,
    /// The row of the cursor.
    pub row: usize,
    /// Its violations. None while they are counted.
    pub breakdown: Option<Breakdown>,
}
