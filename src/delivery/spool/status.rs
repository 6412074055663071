//! The state of a spool, as it is published.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

/// The state of a spool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolStatus {
    /// Items that are accepted and not settled.
    pub items: u64,
    /// Bytes that they take of the quota.
    pub bytes: u64,
    /// The quota in bytes, for items and dead letters.
    pub quota_bytes: u64,
    /// When the oldest item was accepted.
    pub oldest_ms: Option<UnixMs>,
    /// Number of dead letters.
    #[serde(rename = "letters")]
    pub dead_letters: u64,
    /// Bytes that they take of the quota.
    #[serde(rename = "letter_bytes")]
    pub dead_letter_bytes: u64,
    /// Retention of dead letters, in milliseconds; 0 keeps them until somebody decides.
    #[serde(rename = "keep_letters_ms")]
    pub keep_dead_letters_ms: i64,
    /// Items from before this run, and items that came back from the dead letters.
    pub carried: u64,
    /// Items lost to damage on disk.
    pub lost: u64,
    /// The reason why nothing can be written, if nothing can: the feed is not read then.
    pub fault: Option<String>,
    /// Whether the quota is reached: the feed is not read then.
    pub full: bool,
}

impl SpoolStatus {
    /// The operator is warned from this share of the quota on.
    pub const NEARLY_FULL_PERCENT: u64 = 80;

    /// The share of the quota that is used, in percent.
    pub fn percent(&self) -> u64 {
        let used = (self.bytes + self.dead_letter_bytes) * 100;
        used.checked_div(self.quota_bytes).unwrap_or(0)
    }

    /// Whether it is nearly full.
    pub fn is_nearly_full(&self) -> bool {
        self.percent() >= Self::NEARLY_FULL_PERCENT
    }
}
