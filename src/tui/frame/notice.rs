//! Messages in the footer.

/// How long a message stays, in milliseconds.
pub const NOTICE_MS: i64 = 6_000;

/// A message in the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: String,
    /// Whether something went wrong.
    pub is_error: bool,
    /// Until when it is shown, by the snapshots' clock.
    pub until_ms: i64,
}
