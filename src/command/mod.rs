//! One file a subcommand. Errors end here: each becomes a message on standard error and an
//! exit code, 1 where the command found something wrong and 2 where it could not be run.

/// A line on standard output. Where whoever read it has gone, as behind `| head`, there is
/// nobody to tell.
macro_rules! say {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($what)*);
    }};
}

/// A line on standard error. A terminal that was closed must not make a panic of it.
macro_rules! complain {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($what)*);
    }};
}

/// As `say`, without the end of the line.
macro_rules! say_as_is {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        let _ = write!(std::io::stdout(), $($what)*);
    }};
}

mod backfill;
mod config;
mod dead_letters;
mod demo;
mod headless;
mod lint;
mod relay;
pub mod reload;
mod replay;
mod run;
mod sandbox;
mod signals;
mod status;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, LogFormat, Over};
use crate::config::load::{Flag, Needs};
use crate::config::{Loaded, default_path, load};
use crate::customerio::Client;
use crate::delivery::spool::Spool;
use crate::feed::WebSocketFeed;
use crate::pipeline::Pipeline;
use crate::tui::relay::Lines;

/// Runs the command; the exit code is the program's.
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain!("sluicegate: the runtime can't start: {error}");
            return ExitCode::from(2);
        }
    };
    let ended = runtime.block_on(dispatch(cli));
    // A read of standard input, or of the terminal, may still hold a thread: it must not hold us.
    runtime.shutdown_background();
    match ended {
        Ok(code) => code,
        Err(error) => {
            complain!("sluicegate: {}", told(&error));
            ExitCode::from(2)
        }
    }
}

/// The chain in one line: what happened, to what, and why. Causes that the message names
/// already are not named again.
fn told(error: &color_eyre::Report) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .fold(String::new(), |told, cause| match told {
            told if told.is_empty() => cause,
            told if told.contains(&cause) => told,
            told => format!("{told}: {cause}"),
        })
}

async fn dispatch(cli: Cli) -> Result<ExitCode> {
    let place = Place::of(cli.config);
    match cli.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Watch(args) => watch::run(args, place).await,
        Command::Run(args) => run::run(args, place).await,
        Command::Relay(args) => relay::run(args, place).await,
        Command::Backfill(args) => Box::pin(backfill::run(args, place)).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Lint(args) => lint::run(&args, place),
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Status(args) => status::run(args, place),
        Command::DeadLetters(args) => dead_letters::run(args, place),
        Command::Config(args) => config::run(&args, place),
    }
}

/// Where the configuration is looked for.
#[derive(Debug, Clone)]
struct Place {
    path: Option<PathBuf>,
    /// Whether the user named it: then it has to be there.
    asked: bool,
}

impl Place {
    fn of(flag: Option<PathBuf>) -> Self {
        let named = flag.or_else(|| std::env::var_os("SLUICEGATE_CONFIG").map(PathBuf::from));
        let asked = named.is_some();
        Self {
            path: named.or_else(default_path),
            asked,
        }
    }

    fn load(self, flags: &[Flag]) -> Result<Loaded> {
        Ok(load(
            self.path,
            self.asked,
            std::env::vars_os().filter_map(text),
            flags,
        )?)
    }
}

/// A variable that is no text can't be one of ours.
fn text((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

impl Over {
    fn flags(self) -> Vec<Flag> {
        let gate = if self.open {
            Some("open".to_owned())
        } else {
            self.gate
        };
        let gate_flag = if self.open { "--open" } else { "--gate" };
        [
            ("feed.url", "--feed-url", self.feed_url),
            ("customerio.base_url", "--base-url", self.base_url),
            ("feed.record_folder", "--record", self.record),
            ("gate", gate_flag, gate),
        ]
        .into_iter()
        .filter_map(|(path, flag, value)| Some((path, flag, value?)))
        .collect()
    }
}

/// All problems at once, so that they can be mended at once.
fn refuse_problems(loaded: &Loaded, needs: Needs) -> Result<()> {
    let problems = loaded.problems(needs);
    if problems.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = problems.iter().map(|p| format!("\n  {p}")).collect();
    bail!("the settings can't be used:{}", lines.concat())
}

/// A pipeline from the configured feed to the configured workspace, on the spool in `folder`.
fn start(loaded: &Loaded, folder: &Path) -> Result<Pipeline> {
    let settings = &loaded.settings;
    let feed = WebSocketFeed::new(settings.feed.clone())?;
    let client = Client::new(settings.destination()?)?;
    let spool = Spool::open(folder)?;
    Ok(Pipeline::start(
        settings,
        Box::new(feed),
        &Arc::new(client),
        spool,
    )?)
}

/// The folder of the spool that is meant: named, or that of the settings.
fn spool_folder(named: crate::cli::SpoolFolder, place: Place) -> Result<PathBuf> {
    let flag = named
        .folder
        .map(|folder| ("spool.folder", "--spool", folder));
    let flags: Vec<Flag> = flag.into_iter().collect();
    Ok(place.load(&flags)?.settings.spool_folder()?)
}

/// Text from outside without anything that a terminal obeys.
fn printable(text: &str) -> String {
    text.chars()
        .take(200)
        .map(crate::tui::widget::text::visible)
        .collect()
}

/// Listens at an address that the operator chose.
async fn listen(address: std::net::SocketAddr) -> Result<TcpListener> {
    let listening = TcpListener::bind(address).await;
    listening.wrap_err_with(|| format!("cannot listen on {address}; choose another with --listen"))
}

/// What is logged, as `SLUICEGATE_LOG` says it; from this level on, where it says nothing.
fn log_filter(level: &str) -> EnvFilter {
    EnvFilter::try_from_env("SLUICEGATE_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("sluicegate={level}")))
}

/// Starts logging into a screen.
fn log_to(lines: Lines) {
    // It fails only where logging was started before.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(log_filter("info"))
        .with_writer(lines)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .try_init();
}

/// Starts logging to standard error; `SLUICEGATE_LOG` says what.
fn log_to_stderr(format: LogFormat) {
    log_to_stderr_from("info", format);
}

/// The same from another level on.
fn log_to_stderr_from(level: &str, format: LogFormat) {
    let filter = log_filter(level);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would tell on standard error, and panic, that standard error is closed.
        .log_internal_errors(false)
        .with_target(false);
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr())
        && std::env::var_os("NO_COLOR").is_none();
    // It fails only where logging was started before.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(colour).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
