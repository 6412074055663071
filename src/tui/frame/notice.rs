//! Notices in the footer.

/// Time that a notice stays visible, in milliseconds.
pub const NOTICE_MS: i64 = 6_000;

/// A notice in the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The text.
    pub text: String,
    /// Whether it reports an error.
    pub is_error: bool,
    /// End of its display, by the clock of the snapshots.
    pub until_ms: i64,
}
