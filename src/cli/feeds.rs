//! `replay`, `relay` and `backfill`: sources of a feed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::archives::ArchiveFlags;
use super::export_server::ExportServer;
use super::output_format::{Format, LogFormat};
use super::screen_flags::ScreenFlags;
use crate::amplitude::export::Hour;
use crate::config::Flag;
use crate::feed::replay::Speed;

/// `replay`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate replay export.zip
  sluicegate replay --listen 127.0.0.1:4080 --speed max --loop events.ndjson")]
pub struct Replay {
    /// Serve these archives: .zip of .json.gz, .json.gz, .ndjson.zst, .json, NDJSON.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Listen on this address.
    #[arg(long, default_value = "127.0.0.1:4080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Play at this speed: 1x keeps the events' own spacing, max adds no pause.
    #[arg(long, default_value = "1x")]
    pub speed: Speed,
    /// Start again at the end.
    #[arg(long = "loop")]
    pub repeat: bool,
    /// Publish to this group instead of serving a feed: `nats://HOST:4222/PREFIX`.
    #[arg(long, value_name = "URL", conflicts_with = "listen")]
    pub to: Option<String>,
    /// Flags for reading the archives.
    #[command(flatten)]
    pub archives: ArchiveFlags,
}

/// `relay`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate relay
  sluicegate relay --retain 24h --headless --log json
  SLUICEGATE_RELAY_SECRET=… SLUICEGATE_RELAY_TOKEN=… sluicegate relay --listen 0.0.0.0:4080
  curl -d '{\"event_type\":\"A\",\"user_id\":\"u-1\"}' http://127.0.0.1:4080/webhook

It takes events at POST /webhook (Amplitude's Webhooks Streaming), /2/httpapi and /batch (the SDKs'
serverUrl). It serves them at GET /feed, or /feed?types=Signup,Purchase. GET /healthz returns its
state. Senders send the secret in the header X-Relay-Secret, or in the path: /s/SECRET/webhook.
Readers send the token as `Authorization: Bearer TOKEN`. The configuration has all settings under
[relay], and a mapping for webhooks with a body of your own.")]
pub struct Relay {
    /// Listen on this address. Default: relay.listen, which is 127.0.0.1:4080 unless set.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Serve TLS with this certificate (PEM, with its chain). Default: `relay.tls_cert_file`.
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// Serve TLS with this key (PEM). Default: `relay.tls_key_file`.
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Pass the requests of SDKs on to this server and return its answers:
    /// `https://api2.amplitude.com` or `https://api.eu.amplitude.com`. Default: `relay.pass_to`.
    #[arg(long, value_name = "URL")]
    pub pass_to: Option<String>,
    /// Keep this many bytes of messages in memory for clients that reconnect. Default:
    /// `relay.ring_bytes`.
    #[arg(long, value_name = "BYTES")]
    pub ring_bytes: Option<String>,
    /// Keep messages on disk for this time: 24h, 7d. A request is then answered after its events
    /// are on disk, and a client that reconnects gets all it missed. Default: relay.retain.
    #[arg(long, value_name = "TIME")]
    pub retain: Option<String>,
    /// Keep at most this many bytes of messages on disk. Default: `relay.retain_bytes`.
    #[arg(long, value_name = "BYTES")]
    pub retain_bytes: Option<String>,
    /// Keep the messages in this folder. Default: relay.folder, then the platform's state folder.
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<String>,
    /// Publish the events to this group, too: `nats://HOST:4222/PREFIX`. A request is then answered
    /// after the group's stream has its events. Default: relay.to.
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Disconnect a client that reads nothing for this time: 500ms, 10s. Default: relay.patience.
    #[arg(long, value_name = "TIME")]
    pub patience: Option<String>,
    /// Take at most this many events per second, 0 for any number. Default:
    /// `relay.events_per_second`.
    #[arg(long, value_name = "NUMBER")]
    pub events_per_second: Option<String>,
    /// Run without the screen even on a terminal.
    #[arg(long)]
    pub headless: bool,
    /// Log to standard error in this format if there is no screen.
    #[arg(long, value_enum, default_value = "text")]
    pub log: LogFormat,
    /// Flags for the look of the screen.
    #[command(flatten)]
    pub screen: ScreenFlags,
}

impl Relay {
    /// Returns the flags that are given, each with its setting.
    pub fn flags(&self) -> Vec<Flag> {
        [
            ("relay.listen", "--listen", &self.listen),
            ("relay.tls_cert_file", "--tls-cert", &self.tls_cert),
            ("relay.tls_key_file", "--tls-key", &self.tls_key),
            ("relay.pass_to", "--pass-to", &self.pass_to),
            ("relay.ring_bytes", "--ring-bytes", &self.ring_bytes),
            ("relay.retain", "--retain", &self.retain),
            ("relay.retain_bytes", "--retain-bytes", &self.retain_bytes),
            ("relay.folder", "--folder", &self.folder),
            ("relay.to", "--to", &self.to),
            ("relay.patience", "--patience", &self.patience),
            (
                "relay.events_per_second",
                "--events-per-second",
                &self.events_per_second,
            ),
        ]
        .into_iter()
        .filter_map(|(setting, flag, value)| Some((setting, flag, value.clone()?)))
        .collect()
    }
}

/// `backfill`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  export AMPLITUDE_API_KEY=… AMPLITUDE_SECRET_KEY=…
  sluicegate backfill --start 2026-11-01 --end 2026-11-01T23 --to november
  sluicegate backfill --start 2026-11-01 --end 2026-11-01T23 --to november --play
  sluicegate backfill --start 2026-11-01 --end 2026-11-01T23 --to november --play --gate open
  sluicegate backfill --start 2026-11-01 --end 2026-11-01T23 --to november --serve

It writes one file per hour, and continues where it stopped when started again. --play sends the
files through the configured filters and limits, with the events' own times. It sends nothing
(dry run) unless the gate is open; then the workspace ignores events that it has, by their ids. It
uses a spool of its own, so a forwarder can run at the same time.")]
pub struct Backfill {
    /// Start with this hour, in UTC: 2026-11-25T09, or a day.
    #[arg(long, value_name = "HOUR")]
    pub start: Hour,
    /// End with this hour, in UTC; it is included.
    #[arg(long, value_name = "HOUR")]
    pub end: Hour,
    /// The server of the export.
    #[command(flatten)]
    pub export: ExportServer,
    /// Write the files to this folder.
    #[arg(long, value_name = "FOLDER", default_value = "amplitude-export")]
    pub to: PathBuf,
    /// Play the files through the filters and limits, on the screen or without one.
    #[arg(long)]
    pub play: bool,
    /// Play with the gate open, shut or dry-run.
    #[arg(
        long,
        value_name = "MODE",
        default_value = "dry-run",
        requires = "play"
    )]
    pub gate: String,
    /// Send to this server instead of Customer.io's. Default: `customerio.base_url`.
    #[arg(long, value_name = "URL", requires = "play")]
    pub base_url: Option<String>,
    /// Serve the files as a feed at this address. Default without an address: 127.0.0.1:4080.
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:4080",
        conflicts_with = "play"
    )]
    pub serve: Option<SocketAddr>,
    /// Publish the files to this group: `nats://HOST:4222/PREFIX`. Its filters decide.
    #[arg(long, value_name = "URL", conflicts_with_all = ["play", "serve"])]
    pub publish: Option<String>,
    /// Play at this speed: 1x keeps the events' own spacing, max adds no pause.
    #[arg(long, default_value = "max")]
    pub speed: Speed,
    /// Flags for reading the files.
    #[command(flatten)]
    pub archives: ArchiveFlags,
    /// Run without the screen even on a terminal.
    #[arg(long, requires = "play")]
    pub headless: bool,
    /// Write the summary to standard output in this format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Flags for the look of the screen.
    #[command(flatten)]
    pub screen: ScreenFlags,
}

impl Backfill {
    /// Returns the flags that set settings, each with its setting.
    pub fn flags(&self) -> Vec<Flag> {
        let base_url = self.base_url.clone();
        let base_url = base_url.map(|url| ("customerio.base_url", "--base-url", url));
        let mut flags = vec![("gate", "--gate", self.gate.clone())];
        flags.extend(base_url);
        flags
    }
}
