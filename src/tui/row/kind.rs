//! The kinds of actions on a row.

/// An action on a row that needs its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowAction {
    /// Exclude events like it.
    Exclude,
    /// Copy it.
    Copy,
    /// Retry its dead letter.
    Retry,
}
