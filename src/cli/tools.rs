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
  curl -H 'Authorization: Bearer key' http://127.0.0.1:4081/v1/customers/u-1/activities

It requires the credentials in SLUICEGATE_CUSTOMERIO_SITE_ID and SLUICEGATE_CUSTOMERIO_API_KEY if
both are set, and accepts any credentials otherwise.

It is also Customer.io's App API, which tells what became of people and events: /v1/activities,
/v1/customers?email=, and of /v1/customers/ID the attributes, activities and messages, for 30 days,
up to 10 requests a second. It requires the key in SLUICEGATE_VERIFY_APP_API_KEY if that is set. What
becomes of a mail (--mail-on) is decided by the person's ID: with bounce in it, it bounces; suppress,
draft and unread work alike; all others are opened. \"app\" in the faults can do the same:
{\"app\":{\"script\":[429],\"fail_event\":\"text\",\"fail_update\":\"text\",\"lose_event\":\"text\"}}")]
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
    /// App API: show activities this long after they happened: 30s, 5min.
    #[arg(long, value_parser = duration, default_value = "0s", value_name = "TIME")]
    pub activity_delay: Duration,
    /// Take this share of the events with 200, and then fail them (`failed_event`), from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub fail_event_share: f64,
    /// Take this share of the events with 200, and then lose them without a trace, from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub lose_event_share: f64,
    /// Send mail to the person of each event that contains this text.
    #[arg(long, value_name = "TEXT")]
    pub mail_on: Option<String>,
}
