//! `lint` and `sandbox`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::archives::ArchiveFlags;
use super::output_format::Format;
use super::values::{duration, share};

/// `lint`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate lint export.zip
  cat events.ndjson | sluicegate lint - --format json
  sluicegate lint --limits                    list the limits, with the source of each number")]
pub struct Lint {
    /// Read these archives or files of events; - is standard input.
    #[arg(required_unless_present = "limits", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write the report in this format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Measure the age of events from now, so that old events can be too old for campaigns.
    #[arg(long)]
    pub age: bool,
    /// List the limits instead of checking events.
    #[arg(long)]
    pub limits: bool,
    /// Flags for reading the files.
    #[command(flatten)]
    pub archives: ArchiveFlags,
}

/// `sandbox`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate sandbox --latency 80ms --throttle-share 0.01 --retry-after 2
  curl http://127.0.0.1:4081/sandbox/counts
  curl http://127.0.0.1:4081/sandbox/people/u-1/events
  curl http://127.0.0.1:4081/sandbox/people/u-1/attributes
  curl -X PUT -d '{\"script\":[{\"status\":503}]}' http://127.0.0.1:4081/sandbox/faults

It requires the credentials in SLUICEGATE_CUSTOMERIO_SITE_ID and SLUICEGATE_CUSTOMERIO_API_KEY if
both are set, and accepts any credentials otherwise.")]
pub struct Sandbox {
    /// Listen on this address.
    #[arg(long, default_value = "127.0.0.1:4081", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Wait this long before each answer: 500ms, 10s.
    #[arg(long, value_parser = duration, default_value = "0s", value_name = "TIME")]
    pub latency: Duration,
    /// Answer this share of the requests with 500, from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub fail_share: f64,
    /// Answer this share of the requests with 429, from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub throttle_share: f64,
    /// Handle this share of the requests and hang up without an answer, from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub hang_up_share: f64,
    /// Answer this share of the requests with 200 and a network's sign-in page, from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub sign_in_share: f64,
    /// Answer this share of the requests with a proxy's 403 page, from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub proxy_share: f64,
    /// Handle this share of the requests and answer with a 207 that names none of their items, from
    /// 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub unreadable_share: f64,
    /// Send this in Retry-After with failures: seconds, or a date. Default: no such header.
    #[arg(long, value_name = "SECONDS|DATE")]
    pub retry_after: Option<String>,
}
