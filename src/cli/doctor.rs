//! `doctor`.

use std::time::Duration;

use clap::Args;

use super::output_format::Format;
use super::setting_flags::SettingFlags;
use super::values::duration;

/// `doctor`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate doctor
  sluicegate doctor --format json | jq '.checks[] | select(.outcome == \"failed\")'
  sluicegate doctor --send-test u-8812

It connects as `run` does, with the same settings, proxy and certificates, and reads one message of
the feed without acknowledging it. It sends nothing to Customer.io without --send-test, and writes
nothing but a file of 1 MB beside the spool, which it removes. A relay or feed that serves one client
at a time may end the connection of a running forwarder, which then reconnects.
Exits with 0 if no check failed, else with 1.")]
pub struct Doctor {
    /// Flags that set settings.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// Send an event, `sluicegate_doctor_test`, to the person with this ID. Customer.io creates the
    /// person if there is none.
    #[arg(long, value_name = "ID")]
    pub send_test: Option<String>,
    /// Wait at most this long for each check: 500ms, 10s.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub timeout: Duration,
    /// Write the report in this format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}
