//! The state of a retry that the operator asked for.

/// A retry that the operator asked for, and whose answer is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedRetry {
    /// Requests that had ended by then.
    pub(crate) requests: u64,
    /// The end of waiting for the answer.
    pub(crate) until_ms: i64,
}
