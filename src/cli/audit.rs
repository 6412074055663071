//! `audit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::archives::ArchiveFlags;
use super::export_server::ExportServer;
use super::spool::SpoolFolder;
use crate::amplitude::export::Hour;
use crate::audit::Deliver;
use crate::config::Flag;

/// `audit`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  export AMPLITUDE_API_KEY=… AMPLITUDE_SECRET_KEY=…
  sluicegate audit --start 2026-11-01 --end 2026-11-07T23
  sluicegate audit --from november/*.zip --format json | jq .missing
  sluicegate audit --from november/*.zip --format html > november.html
  sluicegate audit --start 2026-11-01 --end 2026-11-01T23 --max-missing 0.01%
  sluicegate audit --from november/*.zip --ledger forwarder-1/ledger forwarder-2/ledger
  sluicegate audit --start 2026-11-01 --end 2026-11-07T23 --deliver missing,dead
  sluicegate audit --start 2026-11-01 --end 2026-11-07T23 --deliver missing,dead --gate open

It compares Amplitude's export of these hours with the ledger: which events were received, what was
decided, what was delivered, and what is missing, and why. The hours are downloaded once, as by
`backfill`, and only compared the next time. Exits with 1 if anything is missing or undelivered.

--deliver sends what did not arrive through today's filters and limits: each event once, with the id
that the workspace knows it by, in the order of the events' times. It sends nothing (dry run) unless
the gate is open. The report is that after the delivery. A dead letter that is delivered stays in the
forwarder's list until `dead-letters discard`.")]
pub struct Audit {
    /// Start with this hour, in UTC: 2026-11-25T09, or a day. Default: the first hour in the files.
    #[arg(
        long,
        value_name = "HOUR",
        required_unless_present = "from",
        requires = "end"
    )]
    pub start: Option<Hour>,
    /// End with this hour, in UTC; it is included.
    #[arg(long, value_name = "HOUR", requires = "start")]
    pub end: Option<Hour>,
    /// Read these files instead of downloading: exports, or any files of events.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub from: Vec<PathBuf>,
    /// The server of the export.
    #[command(flatten)]
    pub export: ExportServer,
    /// Keep the downloaded hours in this folder.
    #[arg(long, value_name = "FOLDER", default_value = "amplitude-export")]
    pub to: PathBuf,
    /// Accept this percentage of missing events: 0.01%.
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = percent)]
    pub max_missing: f64,
    /// Write the report in this format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: AuditFormat,
    /// Deliver these events: missing, dead, filtered-now-accepted; several with commas.
    #[arg(long, value_name = "WHICH", value_enum, value_delimiter = ',')]
    pub deliver: Vec<Deliver>,
    /// Deliver with the gate open, shut or dry-run.
    #[arg(
        long,
        value_name = "MODE",
        default_value = "dry-run",
        requires = "deliver"
    )]
    pub gate: String,
    /// Deliver to this server instead of Customer.io's. Default: `customerio.base_url`.
    #[arg(long, value_name = "URL", requires = "deliver")]
    pub base_url: Option<String>,
    /// Flags for reading the files.
    #[command(flatten)]
    pub archives: ArchiveFlags,
    /// Compare with these ledgers, such as copies of those of all members of a group. Default: that of
    /// the spool.
    #[arg(long, value_name = "FOLDER", num_args = 1.., conflicts_with = "deliver")]
    pub ledger: Vec<PathBuf>,
    /// The spool that the ledger belongs to.
    #[command(flatten)]
    pub spool: SpoolFolder,
}

impl Audit {
    /// Returns the flags that set settings for the delivery, each with its setting.
    pub fn delivery_flags(&self) -> Vec<Flag> {
        [
            ("gate", "--gate", Some(self.gate.clone())),
            ("customerio.base_url", "--base-url", self.base_url.clone()),
            ("spool.folder", "--spool", self.spool.folder.clone()),
        ]
        .into_iter()
        .filter_map(|(setting, flag, value)| Some((setting, flag, value?)))
        .collect()
    }
}

/// The format of an audit's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
    /// Markdown.
    Markdown,
    /// A page with charts, complete in itself.
    Html,
}

/// Parses `0.01%` or `0.01`.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>().ok();
    number
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| format!("{text:?} is not a percentage; write 0% to 100%, such as 0.01%"))
}
