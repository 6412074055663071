//! `[ledger]`: the record of every decision and outcome.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::setting_form::humane;

/// `[ledger]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct Ledger {
    pub enabled: bool,
    pub folder: String,
    #[serde(with = "humane")]
    pub keep: Duration,
    pub quota_bytes: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            enabled: true,
            folder: String::new(),
            keep: Duration::from_secs(30 * 86_400),
            quota_bytes: 2_000_000_000,
        }
    }
}
