//! Flags that set settings for one run.

use clap::Args;

use crate::config::Flag;

/// Flags for the settings that often differ for one run.
#[derive(Debug, Args)]
pub struct SettingFlags {
    /// Subscribe to this feed. Default: feed.url.
    #[arg(long, value_name = "URL")]
    pub feed_url: Option<String>,
    /// Send to this server instead of Customer.io's. Default: `customerio.base_url`.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Record the feed in this folder, for replay. Default: `feed.record_folder`.
    #[arg(long, value_name = "FOLDER")]
    pub record: Option<String>,
    /// Start with the gate open, shut or dry-run. Default: gate, which is shut unless set.
    #[arg(long, value_name = "MODE")]
    pub gate: Option<String>,
    /// Start with the gate open, like --gate open.
    #[arg(long, conflicts_with = "gate")]
    pub open: bool,
}

impl SettingFlags {
    /// Returns the flags that are given, each with its setting.
    pub fn flags(self) -> Vec<Flag> {
        let (gate_flag, gate) = if self.open {
            ("--open", Some("open".to_owned()))
        } else {
            ("--gate", self.gate)
        };
        [
            ("feed.url", "--feed-url", self.feed_url),
            ("customerio.base_url", "--base-url", self.base_url),
            ("feed.record_folder", "--record", self.record),
            ("gate", gate_flag, gate),
        ]
        .into_iter()
        .filter_map(|(setting, flag, value)| Some((setting, flag, value?)))
        .collect()
    }
}
