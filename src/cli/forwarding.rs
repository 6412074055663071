//! `demo`, `watch` and `run`: from a feed to Customer.io.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::archives::ArchiveFlags;
use super::output_format::{Format, LogFormat};
use super::screen_flags::ScreenFlags;
use super::setting_flags::SettingFlags;
use super::values::{duration, rate};
use crate::feed::replay::Speed;
use crate::feed::scenario::Scenario;

/// `demo`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate demo --rate 2000
  sluicegate demo --scenario incident
  sluicegate demo --from export.zip --speed 10x
  sluicegate demo --for 10s | tee demo.log     without a terminal: a line per second, and a summary")]
pub struct Demo {
    /// Make up this many events per second.
    #[arg(long, default_value_t = 200.0, value_parser = rate)]
    pub rate: f64,
    /// Play this scenario.
    #[arg(long, value_enum, default_value_t, conflicts_with = "from")]
    pub scenario: Scenario,
    /// Play these archives instead of made-up events: .zip of .json.gz, .json.gz, .ndjson.zst,
    /// .json, NDJSON.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub from: Vec<PathBuf>,
    /// Play the archives at this speed: 1x keeps the events' own spacing, max adds no pause.
    #[arg(long, default_value = "1x", requires = "from")]
    pub speed: Speed,
    /// Flags for reading the archives.
    #[command(flatten)]
    pub archives: ArchiveFlags,
    /// End after this time if there is no screen: 500ms, 10s, 4h.
    #[arg(long = "for", value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub duration: Duration,
    /// Run without the screen even on a terminal.
    #[arg(long)]
    pub headless: bool,
    /// Flags for the look of the screen.
    #[command(flatten)]
    pub screen: ScreenFlags,
}

/// `watch`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate watch
  sluicegate watch --feed-url ws://relay:4080/feed --gate dry-run")]
pub struct Watch {
    /// Flags that set settings.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// Flags for the look of the screen.
    #[command(flatten)]
    pub screen: ScreenFlags,
}

/// `run`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate run --gate open
  sluicegate run --gate dry-run --for 30s --format json
  sluicegate run --open --exit-when-idle 2s      forward a replay to its end
  HTTPS_PROXY=http://proxy:3128 sluicegate run   through a proxy; feed.proxy and customerio.proxy
                                                 name one for each side

SIGTERM and SIGINT drain and end; undelivered events stay in the spool. SIGHUP reloads the
configuration. `sluicegate status` shows the state from another terminal.")]
pub struct Run {
    /// Flags that set settings.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// End after this time: 500ms, 10s, 4h. Default: never.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
    /// End when nothing was received, queued or in flight for this time: 500ms, 10s, 4h. Default:
    /// never.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub exit_when_idle: Option<Duration>,
    /// Log to standard error in this format. `SLUICEGATE_LOG` sets the level, such as debug;
    /// default: info.
    #[arg(long, value_enum, default_value = "text")]
    pub log: LogFormat,
    /// Write the summary to standard output in this format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}
