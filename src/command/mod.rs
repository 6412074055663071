//! One file a subcommand. Errors end here: each becomes a message on standard error and an
//! exit code, 1 where the command found something wrong and 2 where it could not be run.

#[macro_use]
mod output;

mod backfill;
mod config;
mod dead_letters;
mod demo;
mod headless;
mod key_watch;
mod lint;
mod player;
mod problems;
mod relay;
pub mod reload;
mod replay;
mod run;
mod sandbox;
mod status;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use tokio::net::TcpListener;

use crate::cli::{Cli, Command, Over};
use crate::config::load::{Flag, Needs};
use crate::config::{Loaded, default_path, load, state_folder};
use crate::customerio::Client;
use crate::delivery::spool::Spool;
use crate::feed::WebSocketFeed;
use crate::pipeline::Pipeline;
use crate::text;

use key_watch::watch_key_file;
use output::{log_to, log_to_stderr, log_to_stderr_from};

/// Runs the command; the exit code is the program's.
pub fn run(cli: Cli) -> ExitCode {
    crate::descriptors::raise_limit();
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

/// Tells what is wrong with the command line, and ends the program.
///
/// The message repeats arguments. They may come from elsewhere, as a shell's `*` does: it is
/// made of what can be shown of them.
pub fn refuse_usage(error: &clap::Error) -> ! {
    use clap::Parser as _;
    let shown = std::env::args_os().map(|text| text::on_one_line(&text.to_string_lossy()));
    match Cli::try_parse_from(shown) {
        Err(of_what_is_shown) => of_what_is_shown.exit(),
        Ok(_) => {
            complain!("{}", text::on_one_line(&error.to_string()));
            std::process::exit(2)
        }
    }
}

/// The chain in one line: what happened, to what, and why. Causes that the message names
/// already are not named again.
fn told(error: &color_eyre::Report) -> String {
    if let Some(problems) = error.downcast_ref::<Problems>() {
        return problems.to_string();
    }
    error
        .chain()
        .map(|cause| text::on_one_line(&cause.to_string()))
        .fold(String::new(), |told, cause| match told {
            told if told.is_empty() => cause,
            told if told.contains(&cause) => told,
            told => format!("{told}: {cause}"),
        })
}

async fn dispatch(cli: Cli) -> Result<ExitCode> {
    let place = Place::of(cli.config);
    match cli.command {
        Command::Demo(args) => Box::pin(demo::run(args)).await,
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
            std::env::vars_os().filter_map(as_text),
            flags,
        )?)
    }
}

/// A variable that is no text can't be one of ours.
fn as_text((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
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

/// All problems at once, so that they can be mended at once; each a line.
#[derive(Debug, thiserror::Error)]
#[error("the settings can't be used:\n  {}", .0.join("\n  "))]
struct Problems(Vec<String>);

fn refuse_problems(loaded: &Loaded, needs: Needs) -> Result<()> {
    let problems = problems::of(loaded, needs);
    if problems.is_empty() {
        return Ok(());
    }
    let lines = problems.iter().map(|p| text::on_one_line(&p.to_string()));
    Err(Problems(lines.collect()).into())
}

/// A pipeline from the configured feed to the configured workspace, on the spool in `folder`.
fn start(loaded: &Loaded, folder: &Path) -> Result<Pipeline> {
    let settings = &loaded.settings;
    let feed = WebSocketFeed::new(settings.feed.clone())?;
    let client = Client::new(settings.destination()?)?;
    let spool = Spool::open(folder)?;
    let mut pipeline = Pipeline::start(settings, Box::new(feed), &Arc::new(client), spool)?;
    let watch = watch_key_file(pipeline.handle().clone());
    pipeline.run_beside("the watch on the key's file", watch);
    Ok(pipeline)
}

/// The folder of the spool that is meant: named, or that of the settings.
fn spool_folder(named: crate::cli::SpoolFolder, place: Place) -> Result<PathBuf> {
    let flag = named
        .folder
        .map(|folder| ("spool.folder", "--spool", folder));
    let flags: Vec<Flag> = flag.into_iter().collect();
    let settings = place.load(&flags)?.settings;
    if settings.spool.folder.is_empty() && settings.customerio.site_id.is_empty() {
        let there = spools_there();
        let there = match there.as_slice() {
            [] => "there is none yet in the usual place".to_owned(),
            all => format!("there: {}", all.join(", ")),
        };
        bail!(
            "the settings name no spool, as customerio.site_id is not set: name the configuration with --config, or a spool's folder with --spool ({there})"
        );
    }
    Ok(settings.spool_folder()?)
}

/// The spools in the folder where they usually are.
fn spools_there() -> Vec<String> {
    let Some(entries) = state_folder().and_then(|folder| std::fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let folders = entries.flatten().map(|entry| entry.path());
    let is_spool = |path: &PathBuf| path.join("spool.db").exists();
    let mut spools: Vec<String> = folders
        .filter(is_spool)
        .map(|path| path.display().to_string())
        .collect();
    spools.sort();
    spools
}

/// Text from outside without anything that a terminal obeys.
fn printable(text: &str) -> String {
    text.chars().take(200).map(crate::text::visible).collect()
}

/// Listens at an address that the operator chose.
async fn listen(address: std::net::SocketAddr) -> Result<TcpListener> {
    let listening = TcpListener::bind(address).await;
    listening.wrap_err_with(|| format!("cannot listen on {address}; choose another with --listen"))
}
