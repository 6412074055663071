//! The command line, and nothing else.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::amplitude::archive::MAX_EVENT_BYTES;
use crate::amplitude::export::Hour;
use crate::config::{self, Theme};
use crate::feed::replay::Speed;
use crate::feed::scenario::Scenario;

/// See every Amplitude event, decide which ones reach Customer.io, and prove that they arrived.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// The configuration file; without it `SLUICEGATE_CONFIG`, then the platform's folder.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  sluicegate demo                          look at it, with made-up traffic and a sandbox
  sluicegate config init                   write the commented configuration
  sluicegate watch                         the screen on your feed; the gate starts shut
  sluicegate run --gate open --log json    forward without a screen
  sluicegate lint export.zip               check events before they are sent
  sluicegate status                        how the forwarder stands, from another terminal
  sluicegate dead-letters list             what could not be delivered, and why
";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the screen on made-up traffic, or on archives, towards a sandbox inside the process.
    Demo(Demo),
    /// Open the screen on the configured feed and workspace.
    Watch(Watch),
    /// Forward without a screen.
    Run(Run),
    /// Serve archives as a WebSocket feed.
    Replay(Replay),
    /// Take events from Amplitude and its SDKs over HTTP, and serve them as a WebSocket feed.
    Relay(Relay),
    /// Download a project's past from Amplitude's Export API, and play or serve it.
    Backfill(Backfill),
    /// Check events against the limits, offline; exits with 1 if any would be rejected.
    Lint(Lint),
    /// Serve a stand-in for Customer.io's Track API that enforces its documented limits.
    Sandbox(Sandbox),
    /// Say how a running forwarder stands, or the spool that it left.
    Status(Status),
    /// List, show, retry, export or discard what could not be delivered.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Write, check or show the configuration.
    #[command(subcommand)]
    Config(Config),
}

/// `demo`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate demo --rate 2000
  sluicegate demo --scenario incident
  sluicegate demo --from export.zip --speed 10x
  sluicegate demo --for 10s | tee demo.log     without a terminal: a line a second, and a summary")]
pub struct Demo {
    /// Events a second.
    #[arg(long, default_value_t = 200.0, value_parser = positive)]
    pub rate: f64,
    /// What happens meanwhile.
    #[arg(long, value_enum, default_value_t, conflicts_with = "from")]
    pub scenario: Scenario,
    /// Play these archives instead: .zip of .json.gz, .json.gz, .ndjson.zst, .json, NDJSON.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub from: Vec<PathBuf>,
    /// How fast to play them: 1x keeps the events' own spacing.
    #[arg(long, default_value = "1x", requires = "from")]
    pub speed: Speed,
    /// How they are read.
    #[command(flatten)]
    pub archives: Archives,
    /// Without a terminal: how long to run.
    #[arg(long = "for", value_name = "TIME", value_parser = length, default_value = "10s")]
    pub duration: Duration,
    /// Run without the screen even on a terminal.
    #[arg(long)]
    pub headless: bool,
    /// How the screen looks.
    #[command(flatten)]
    pub look: Look,
}

/// `watch`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate watch
  sluicegate watch --feed-url ws://relay:4080/feed --gate dry-run")]
pub struct Watch {
    /// Settings over those of the file and the environment.
    #[command(flatten)]
    pub over: Over,
    /// How the screen looks.
    #[command(flatten)]
    pub look: Look,
}

/// How the screen looks.
#[derive(Debug, Args)]
pub struct Look {
    /// Colours for a light background, as --theme light.
    #[arg(long, conflicts_with = "theme")]
    pub light: bool,
    /// The colours (screen.theme).
    #[arg(long, value_enum)]
    pub theme: Option<Theme>,
    /// Draw with ASCII signs only.
    #[arg(long)]
    pub ascii: bool,
}

impl Look {
    /// Over what the settings say.
    pub fn put_into(&self, screen: &mut config::Screen) {
        screen.ascii |= self.ascii;
        if self.light {
            screen.theme = Theme::Light;
        }
        screen.theme = self.theme.unwrap_or(screen.theme);
    }
}

/// Settings that are often given for one run.
#[derive(Debug, Args)]
pub struct Over {
    /// The feed to subscribe to (feed.url).
    #[arg(long, value_name = "URL")]
    pub feed_url: Option<String>,
    /// Another server than Customer.io's (`customerio.base_url`).
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Record the feed in this folder, for replay (`feed.record_folder`).
    #[arg(long, value_name = "FOLDER")]
    pub record: Option<String>,
    /// The gate at the start: open, shut or dry-run.
    #[arg(long, value_name = "MODE")]
    pub gate: Option<String>,
    /// The same as --gate open.
    #[arg(long, conflicts_with = "gate")]
    pub open: bool,
}

/// `run`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate run --gate open
  sluicegate run --gate dry-run --for 30s --format json
  sluicegate run --open --exit-when-idle 2s      forward a replay to its end
  HTTPS_PROXY=http://proxy:3128 sluicegate run   through a proxy; feed.proxy and customerio.proxy
                                                 name one for each side

SIGTERM and SIGINT drain and end; what is left stays in the spool. SIGHUP reads the configuration
again. `sluicegate status` says from another terminal how it stands.")]
pub struct Run {
    /// Settings over those of the file and the environment.
    #[command(flatten)]
    pub over: Over,
    /// End after this time.
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    pub duration: Option<Duration>,
    /// End when for this time nothing came in and nothing waits or is in flight.
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub exit_when_idle: Option<Duration>,
    /// How to log, to standard error. What is logged: `SLUICEGATE_LOG`, such as debug.
    #[arg(long, value_enum, default_value = "text")]
    pub log: LogFormat,
    /// How to write the summary, to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// How reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// `replay`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate replay export.zip
  sluicegate replay --listen 127.0.0.1:4080 --speed max --loop events.ndjson")]
pub struct Replay {
    /// Archives: .zip of .json.gz, .json.gz, .ndjson.zst, .json, NDJSON.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where to serve the feed.
    #[arg(long, default_value = "127.0.0.1:4080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// How fast to play: 1x keeps the events' own spacing.
    #[arg(long, default_value = "1x")]
    pub speed: Speed,
    /// Begin again at the end.
    #[arg(long = "loop")]
    pub repeat: bool,
    /// How the files are read.
    #[command(flatten)]
    pub archives: Archives,
}

/// How archives and files of events are read.
#[derive(Debug, Args)]
pub struct Archives {
    /// The bytes that an event in a file may take; a larger one is told and passed over.
    #[arg(long, value_name = "BYTES", default_value_t = MAX_EVENT_BYTES, value_parser = event_bytes)]
    pub max_event_bytes: usize,
}

/// `lint`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate lint export.zip
  cat events.ndjson | sluicegate lint - --format json
  sluicegate lint --limits                    what is checked, and the source of each figure")]
pub struct Lint {
    /// Archives or files of events; - is standard input.
    #[arg(required_unless_present = "limits", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How to write the report.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Count age from now, so that old archives are too old for campaigns.
    #[arg(long)]
    pub age: bool,
    /// List the limits instead.
    #[arg(long)]
    pub limits: bool,
    /// How the files are read.
    #[command(flatten)]
    pub archives: Archives,
}

/// `relay`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate relay
  sluicegate relay --retain 24h --headless --log json
  SLUICEGATE_RELAY_SECRET=… SLUICEGATE_RELAY_TOKEN=… sluicegate relay --listen 0.0.0.0:4080
  curl -d '{\"event_type\":\"A\",\"user_id\":\"u-1\"}' http://127.0.0.1:4080/webhook

Where it takes events: POST /webhook (Amplitude's Webhooks Streaming), /2/httpapi and /batch (the
SDKs' serverUrl). Where it serves them: GET /feed, or /feed?types=Signup,Purchase. How it stands:
GET /healthz. All settings, and a mapping for webhooks of your own shape: `[relay]`.
Senders name the secret in the header X-Relay-Secret, or in front of the path: /s/SECRET/webhook.
Readers name the token as `Authorization: Bearer TOKEN`.")]
pub struct Relay {
    /// Where to listen (relay.listen): 127.0.0.1:4080 unless set.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// The certificate, where it speaks TLS itself (`relay.tls_cert_file`).
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// Its key (`relay.tls_key_file`).
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Pass the requests of SDKs on to Amplitude, whose answer they get (`relay.pass_to`): to
    /// `https://api2.amplitude.com`, or `https://api.eu.amplitude.com`.
    #[arg(long, value_name = "URL")]
    pub pass_to: Option<String>,
    /// How many bytes of messages are kept in memory for clients that come back
    /// (`relay.ring_bytes`).
    #[arg(long, value_name = "BYTES")]
    pub ring_bytes: Option<String>,
    /// Keep messages on disk for so long (relay.retain): 24h, 7d. A request is then answered once
    /// its events are safe, and a client that was away gets all of them.
    #[arg(long, value_name = "TIME")]
    pub retain: Option<String>,
    /// And no more than so many bytes of them (`relay.retain_bytes`).
    #[arg(long, value_name = "BYTES")]
    pub retain_bytes: Option<String>,
    /// Where (relay.folder).
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<String>,
    /// A client that takes nothing for so long is cut (relay.patience).
    #[arg(long, value_name = "TIME")]
    pub patience: Option<String>,
    /// Take no more events a second (`relay.events_per_second`).
    #[arg(long, value_name = "NUMBER")]
    pub events_per_second: Option<String>,
    /// Run without the screen even on a terminal.
    #[arg(long)]
    pub headless: bool,
    /// How to log, to standard error, without the screen.
    #[arg(long, value_enum, default_value = "text")]
    pub log: LogFormat,
    /// How the screen looks.
    #[command(flatten)]
    pub look: Look,
}

/// `backfill`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  export AMPLITUDE_API_KEY=… AMPLITUDE_SECRET_KEY=…
  sluicegate backfill --start 2026-11-01 --end 2026-11-01T23 --to november
  sluicegate backfill --start 2026-11-01 --end 2026-11-01T23 --to november --play
  sluicegate backfill --start 2026-11-01 --end 2026-11-01T23 --to november --play --gate open
  sluicegate backfill --start 2026-11-01 --end 2026-11-01T23 --to november --serve

Each hour is a file of its own; started again, it goes on where it was. --play takes them through
your filters and limits, as they are in the configuration, with the events' own times: in dry run
unless the gate is open, and then into your workspace, which ignores the events that it has by
their ids. It has a spool of its own; a forwarder may run meanwhile.")]
pub struct Backfill {
    /// The first hour, UTC: 2026-11-25T09, or a day.
    #[arg(long, value_name = "HOUR")]
    pub start: Hour,
    /// The last hour, UTC; it is included.
    #[arg(long, value_name = "HOUR")]
    pub end: Hour,
    /// Where the project's data is.
    #[arg(long, value_enum, default_value_t)]
    pub region: AmplitudeRegion,
    /// Another server, such as a proxy.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The folder for the files.
    #[arg(long, value_name = "FOLDER", default_value = "amplitude-export")]
    pub to: PathBuf,
    /// Then play them through your filters and limits: on the screen, or without a terminal to
    /// their end.
    #[arg(long)]
    pub play: bool,
    /// The gate while they are played: dry-run, open or shut.
    #[arg(
        long,
        value_name = "MODE",
        default_value = "dry-run",
        requires = "play"
    )]
    pub gate: String,
    /// Another server than Customer.io's (`customerio.base_url`).
    #[arg(long, value_name = "URL", requires = "play")]
    pub base_url: Option<String>,
    /// Then serve them as a feed, at this address.
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:4080",
        conflicts_with = "play"
    )]
    pub serve: Option<SocketAddr>,
    /// How fast: 1x keeps the events' own spacing.
    #[arg(long, default_value = "max")]
    pub speed: Speed,
    /// How the files are read.
    #[command(flatten)]
    pub archives: Archives,
    /// Run without the screen even on a terminal.
    #[arg(long, requires = "play")]
    pub headless: bool,
    /// How to write the summary, to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// How the screen looks.
    #[command(flatten)]
    pub look: Look,
}

/// Where Amplitude keeps a project's data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum AmplitudeRegion {
    /// In the United States.
    #[default]
    Us,
    /// In the European Union.
    Eu,
}

/// `sandbox`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate sandbox --latency 80ms --throttle-share 0.01 --retry-after 2
  curl http://127.0.0.1:4081/sandbox/counts
  curl http://127.0.0.1:4081/sandbox/people/u-1/events
  curl http://127.0.0.1:4081/sandbox/people/u-1/attributes
  curl -X PUT -d '{\"script\":[{\"status\":503}]}' http://127.0.0.1:4081/sandbox/faults

It asks for the credentials of SLUICEGATE_CUSTOMERIO_SITE_ID and SLUICEGATE_CUSTOMERIO_API_KEY
where both are set, and takes any otherwise.")]
pub struct Sandbox {
    /// Where to serve.
    #[arg(long, default_value = "127.0.0.1:4081", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Every answer takes this long.
    #[arg(long, value_parser = length, default_value = "0s", value_name = "TIME")]
    pub latency: Duration,
    /// The share of requests, from 0 to 1, that are answered 500.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub fail_share: f64,
    /// The share of requests that are answered 429.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub throttle_share: f64,
    /// The share of requests that are handled and whose answer is lost.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub hang_up_share: f64,
    /// The share of requests that are answered 200 with a network's sign-in page.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub sign_in_share: f64,
    /// The share of requests that a proxy refuses: 403, with a page.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub proxy_share: f64,
    /// The share of requests that are handled, and answered with a 207 that names no item of them.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub unreadable_share: f64,
    /// What answers that fail say in Retry-After: seconds, or a date.
    #[arg(long, value_name = "SECONDS|DATE")]
    pub retry_after: Option<String>,
}

/// `status`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate status
  sluicegate status --format json | jq .spool.items
It exits with 0 where a forwarder runs and delivers, and with 1 where none runs or it can't.")]
pub struct Status {
    /// Whose spool.
    #[command(flatten)]
    pub spool: SpoolFolder,
    /// How to write it.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// Which spool is meant.
#[derive(Debug, Args)]
pub struct SpoolFolder {
    /// The spool's folder (spool.folder); unless given, that of the configuration.
    #[arg(long = "spool", value_name = "FOLDER")]
    pub folder: Option<String>,
}

/// `dead-letters`
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  sluicegate dead-letters list
  sluicegate dead-letters show 17
  sluicegate dead-letters retry --reason \"all 10 attempts failed, the last: 503\"
  sluicegate dead-letters export --all > letters.ndjson
  sluicegate dead-letters discard 17 18
All of them work while a forwarder runs: it puts back what is to be tried again within a second.")]
pub enum DeadLetters {
    /// List them by reason and type.
    List {
        /// Whose.
        #[command(flatten)]
        spool: SpoolFolder,
        /// How to write the list.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Show one whole: why, every figure, and what would have been sent; without a number, the newest.
    Show {
        /// Whose.
        #[command(flatten)]
        spool: SpoolFolder,
        /// Its number, or that of the newest unless given.
        number: Option<i64>,
    },
    /// Try them again: they go back into the spool, with new attempts.
    Retry {
        /// Whose.
        #[command(flatten)]
        spool: SpoolFolder,
        /// Which.
        #[command(flatten)]
        which: Letters,
    },
    /// Write them as NDJSON, one a line; they stay.
    Export {
        /// Whose.
        #[command(flatten)]
        spool: SpoolFolder,
        /// Which.
        #[command(flatten)]
        which: Letters,
        /// Where to; standard output unless given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Remove them for good, after a confirmation.
    Discard {
        /// Whose.
        #[command(flatten)]
        spool: SpoolFolder,
        /// Which.
        #[command(flatten)]
        which: Letters,
        /// Ask nothing.
        #[arg(long)]
        yes: bool,
    },
}

/// Which dead letters are meant.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Letters {
    /// Those with these numbers.
    #[arg(value_name = "NUMBER")]
    pub numbers: Vec<i64>,
    /// Those of this reason, as the list writes it.
    #[arg(long)]
    pub reason: Option<String>,
    /// All.
    #[arg(long)]
    pub all: bool,
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Write the default configuration, with a comment on every setting.
    Init {
        /// Replace a file that is there.
        #[arg(long)]
        force: bool,
    },
    /// Say what is wrong with the configuration: file, line, what, and what to write.
    Check,
    /// Show what is in force and where each value came from, secrets masked.
    Show {
        /// Only what is not the default.
        #[arg(long)]
        changed: bool,
    },
}

/// Places in an element are kept in 32 bits.
fn event_bytes(text: &str) -> Result<usize, String> {
    let bytes = text.parse::<usize>().ok();
    let bytes = bytes.filter(|bytes| (1_024..=2_000_000_000).contains(bytes));
    bytes.ok_or_else(|| "write a number of bytes from 1024 to 2000000000".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|n| *n > 0.0 && *n <= 1e6);
    number.ok_or_else(|| "write a number over 0".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|n| (0.0..=1.0).contains(n));
    number.ok_or_else(|| "write a number from 0 to 1".to_owned())
}

/// A length of time that every clock can add.
fn length(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|_| "write 500ms, 10s or 4h".to_owned())?;
    let most = Duration::from_secs(366 * 86_400);
    if time <= most {
        Ok(time)
    } else {
        Err("that is more than a year".to_owned())
    }
}
