//! `[spool]`: accepted events and dead letters on disk.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::setting_form::humane;

/// `[spool]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct SpoolSettings {
    pub folder: String,
    pub quota_bytes: u64,
    pub commit_bytes: usize,
    #[serde(with = "humane")]
    pub commit_age: Duration,
    #[serde(with = "humane")]
    pub keep_dead_letters: Duration,
}

impl Default for SpoolSettings {
    fn default() -> Self {
        Self {
            folder: String::new(),
            quota_bytes: 1_000_000_000,
            commit_bytes: 1_000_000,
            commit_age: Duration::from_millis(50),
            keep_dead_letters: Duration::from_secs(30 * 86_400),
        }
    }
}
