//! `backfill`: downloads past events from Amplitude's Export API into files, then plays them through
//! the filters to Customer.io, or serves them as a feed.

use std::io::{IsTerminal as _, stderr, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use color_eyre::eyre::{Result, bail};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::amplitude::export::{Download, Hour, HourResult, Project};
use crate::amplitude::time;
use crate::cli::{Backfill, Format, LogFormat};
use crate::config;
use crate::config::Needs;
use crate::feed::replay::{self, ReplayOptions};
use crate::feed::server::{Options, Server};
use crate::network::{Address, ProxySetting};
use crate::pipeline::Pipeline;
use crate::text::grouped;
use crate::tui::relay::LogLines;
use crate::tui::widget::text;

use super::config_source::ConfigSource;
use super::forwarder::start;
use super::headless::{self, EndConditions};
use super::listener::listen;
use super::output::{log_to, log_to_stderr_from};
use super::player::Player;
use super::{problems, watch};

/// Pause before the download of an hour is attempted again.
const PAUSE: Duration = Duration::from_secs(2);
/// Idle time after which a playback counts as finished.
const IDLE: Duration = Duration::from_secs(2);
/// Width of the progress bar, in columns.
const BAR: usize = 30;

pub(super) async fn run(args: Backfill, source: ConfigSource) -> Result<ExitCode> {
    let on_screen = args.play && !args.headless && stdin().is_terminal() && stdout().is_terminal();
    let lines = LogLines::default();
    if on_screen {
        log_to(lines.clone());
    } else {
        log_to_stderr_from("warn", LogFormat::Text);
    }
    let loaded = if args.play {
        Some(load(&args, source)?)
    } else {
        None
    };
    let files = download(&args).await;
    for line in lines.all() {
        complain!("{}", line.text);
    }
    let files = files?;
    let playing = ReplayOptions {
        speed: args.speed,
        repeat: false,
        max_event_bytes: args.archives.max_event_bytes,
    };
    if let Some(address) = args.serve {
        let listener = listen(address).await?;
        return super::replay::serve(listener, &files, playing).await;
    }
    let Some(loaded) = loaded else {
        say!(
            "to look at them: sluicegate demo --from {0}/*.zip --speed 10x\nto play them: the same command with --play, or with --play --gate open",
            args.to.display()
        );
        return Ok(ExitCode::SUCCESS);
    };
    let playback = Playback::of(files, playing, loaded).await?;
    if on_screen {
        let feed = format!("{}..{}", args.start.name(), args.end.name());
        Box::pin(playback.show(feed)).await
    } else {
        playback.finish(args.format).await
    }
}

/// Loads the settings for the playback, before anything is downloaded.
fn load(args: &Backfill, source: ConfigSource) -> Result<config::Loaded> {
    let mut loaded = source.load(&args.flags())?;
    let needs = Needs {
        feed: false,
        destination: true,
    };
    problems::refuse(&loaded, needs)?;
    args.screen.apply(&mut loaded.settings.screen);
    Ok(loaded)
}

/// Downloads the missing hours. Returns the files of all hours with events.
async fn download(args: &Backfill) -> Result<Vec<PathBuf>> {
    let (start, end) = (args.start, args.end);
    let hours = start.upto(end);
    if hours.len() == 0 {
        bail!(
            "--end {} is before --start {}; exchange them",
            end.name(),
            start.name()
        );
    }
    let whole = Hour::last_complete(time::now());
    if end > whole {
        complain!(
            "sluicegate: exports are complete after up to two hours: hours after {} may be incomplete, and are downloaded again the next time",
            whole.name()
        );
    }
    let key = |name: &str| match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
        _ => bail!(
            "{name} is not set: copy it from Amplitude, Settings, Projects, the keys of the project"
        ),
    };
    let project = Project {
        server: match &args.server {
            Some(server) => export_server(server)?,
            None => args.region.server().to_owned(),
        },
        api_key: key("AMPLITUDE_API_KEY")?,
        secret_key: key("AMPLITUDE_SECRET_KEY")?,
    };
    let download = Download::new(project, &args.to, PAUSE)?;
    let bar = ProgressBar::new();
    let (all, mut with, mut without, mut bytes) = (hours.len(), 0, 0, 0);
    for (done, hour) in hours.clone().enumerate() {
        bar.draw(done, all, &format!("hours, {}", hour.name()));
        let got = download.get(hour).await;
        if got.is_err() {
            bar.end();
        }
        match got? {
            HourResult::Downloaded(size) => {
                with += 1;
                bytes += size;
            }
            HourResult::Empty => without += 1,
            HourResult::Present => {}
        }
    }
    bar.draw(all, all, "hours");
    bar.end();
    let already = all - with - without;
    say!(
        "{all} hours: {with} downloaded ({}), {without} without events, {already} downloaded before",
        text::bytes(bytes as usize)
    );
    let files = hours.map(|hour| download.path(hour));
    Ok(files.filter(|file| file.exists()).collect())
}

/// The playback of the downloaded files.
struct Playback {
    loaded: config::Loaded,
    /// The server of the feed that the files are played into.
    server: Server,
    files: Arc<[PathBuf]>,
    playing: ReplayOptions,
    /// The folder of the spool: not that of the forwarder, which may be running.
    spool: PathBuf,
}

impl Playback {
    async fn of(
        files: Vec<PathBuf>,
        playing: ReplayOptions,
        mut loaded: config::Loaded,
    ) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let server = Server::start(listener, Options::default())?;
        let settings = &mut loaded.settings;
        let mut spool = settings.spool_folder()?.into_os_string();
        spool.push("-backfill");
        // Tokens and certificates of the live feed must not go to another server.
        settings.feed = config::Feed {
            url: server.url().into(),
            proxy: ProxySetting::Direct,
            ..config::Feed::default()
        };
        Ok(Self {
            loaded,
            server,
            files: files.into(),
            playing,
            spool: spool.into(),
        })
    }

    /// Starts playing the files. Counts finished files in `played`, and cancels `ended` at the end.
    fn play(
        &self,
        pipeline: &Pipeline,
        ended: &CancellationToken,
        played: Arc<AtomicUsize>,
    ) -> Player {
        let (server, files, playing) = (self.server.clone(), self.files.clone(), self.playing);
        let ended = ended.clone().drop_guard();
        let handle = pipeline.handle().clone();
        let playing = async move {
            let _ended = ended;
            let tell = |count| played.store(count, Relaxed);
            replay::play(&server, &files, playing, tell).await
        };
        Player::start(playing, move |why| handle.notify(why))
    }

    async fn show(self, feed: String) -> Result<ExitCode> {
        let pipeline = start(&self.loaded, &self.spool)?;
        let player = self.play(&pipeline, &CancellationToken::new(), Arc::default());
        let code = watch::show(pipeline, &self.loaded, &self.spool, feed, None).await?;
        player.end().await?;
        Ok(code)
    }

    async fn finish(self, format: Format) -> Result<ExitCode> {
        let pipeline = start(&self.loaded, &self.spool)?;
        let (files_done, ended) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let player = self.play(&pipeline, &ended, files_done.clone());
        let until = EndConditions {
            time: None,
            idle: Some(IDLE),
            all_read: Some(ended),
            broke_off: Some(player.broke_off()),
        };
        let bar = ProgressBar::new();
        let drain = self.loaded.settings.delivery.drain;
        let summary = headless::run(pipeline, until, drain, None, |snapshot| {
            let totals = &snapshot.totals;
            let label = format!(
                "files: {} events, {} accepted, {} delivered",
                grouped(totals.received),
                grouped(totals.accepted),
                grouped(totals.delivered)
            );
            bar.draw(files_done.load(Relaxed), self.files.len(), &label);
        })
        .await;
        bar.end();
        summary.say(format);
        player.end().await?;
        Ok(summary.exit_code())
    }
}

/// A progress bar on one line of standard error, drawn only on a terminal.
struct ProgressBar {
    on_terminal: bool,
}

impl ProgressBar {
    fn new() -> Self {
        Self {
            on_terminal: stderr().is_terminal(),
        }
    }

    fn draw(&self, done: usize, all: usize, label: &str) {
        use std::io::Write as _;
        if !self.on_terminal {
            return;
        }
        let filled = done * BAR / all.max(1);
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR - filled));
        // \x1b[K clears the rest of a longer line. An error is no loss: it is only progress.
        let _ = write!(stderr(), "\r\x1b[K[{bar}] {done} of {all} {label} ");
    }

    /// Ends the line of the bar.
    fn end(&self) {
        if self.on_terminal {
            complain!();
        }
    }
}

/// Returns the URL of the server in `--server`.
fn export_server(text: &str) -> Result<String> {
    let address = Address::new(text);
    match (config::addresses::export_server(&address), address.url()) {
        (Ok(()), Ok(url)) => Ok(url.to_string()),
        (Err(wrong), _) => bail!("--server: {wrong}"),
        (Ok(()), Err(error)) => bail!("--server: {address} {error}"),
    }
}
