//! `backfill`: a project's past, from Amplitude's Export API into files, and from there through
//! the filters to Customer.io, or to whoever subscribes.

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
use crate::feed::replay::{
    ReplayOptions, {self},
};
use crate::feed::server::{Options, Server};
use crate::network::{Address, ProxySetting};
use crate::pipeline::Pipeline;
use crate::text::grouped;
use crate::tui::relay::LogLines;
use crate::tui::widget::text;

use super::config_source::ConfigSource;
use super::forwarder::start;
use super::headless::{
    Until, {self},
};
use super::listener::listen;
use super::output::{log_to, log_to_stderr_from};
use super::player::Player;
use super::{problems, watch};

/// Before an hour is asked for again.
const PAUSE: Duration = Duration::from_secs(2);
/// Once all is played, what comes within this time still belongs to it.
const IDLE: Duration = Duration::from_secs(2);
/// The columns of the bar.
const BAR: usize = 30;

pub(super) async fn run(args: Backfill, source: ConfigSource) -> Result<ExitCode> {
    let on_screen = args.play && !args.headless && stdin().is_terminal() && stdout().is_terminal();
    let lines = LogLines::default();
    if on_screen {
        log_to(lines.clone());
    } else {
        log_to_stderr_from("warn", LogFormat::Text);
    }
    let ready = if args.play {
        Some(ready(&args, source)?)
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
    let Some(loaded) = ready else {
        say!(
            "look at them:  sluicegate demo --from {0}/*.zip --speed 10x\nplay them:     the same command with --play, or with --play --gate open",
            args.to.display()
        );
        return Ok(ExitCode::SUCCESS);
    };
    let past = Past::of(files, playing, loaded).await?;
    if on_screen {
        let feed = format!("{}..{}", args.start.name(), args.end.name());
        Box::pin(past.show(feed)).await
    } else {
        past.finish(args.format).await
    }
}

/// The settings to play with. What is wrong with them is said before anything is downloaded.
fn ready(args: &Backfill, source: ConfigSource) -> Result<config::Loaded> {
    let mut loaded = source.load(&args.flags())?;
    let needs = Needs {
        feed: false,
        destination: true,
    };
    problems::refuse(&loaded, needs)?;
    args.screen.apply(&mut loaded.settings.screen);
    Ok(loaded)
}

/// Downloads the hours that are not there yet; the files of all that have events.
async fn download(args: &Backfill) -> Result<Vec<PathBuf>> {
    let (start, end) = (args.start, args.end);
    let hours = start.upto(end);
    if hours.len() == 0 {
        bail!("--end {} is before --start {}", end.name(), start.name());
    }
    let whole = Hour::last_complete(time::now());
    if end > whole {
        complain!(
            "sluicegate: events come into an export up to two hours late: what is behind {} may not be whole, and is downloaded again the next time",
            whole.name()
        );
    }
    let key = |name: &str| match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
        _ => bail!(
            "{name} is not set: it is in Amplitude under Settings, Projects, the project's keys"
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
    let bar = Bar::new();
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
        "{all} hours: {with} downloaded ({}), {without} without events, {already} there already",
        text::bytes(bytes as usize)
    );
    let files = hours.map(|hour| download.path(hour));
    Ok(files.filter(|file| file.exists()).collect())
}

/// The past, on its way through the filters.
struct Past {
    loaded: config::Loaded,
    /// The feed that it is played into.
    server: Server,
    files: Arc<[PathBuf]>,
    playing: ReplayOptions,
    /// Where what is accepted waits: beside the spool of a forwarder that may be running.
    spool: PathBuf,
}

impl Past {
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
        // Tokens and certificates are the live feed's.
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

    /// Plays the files, as far as they can be read, and then cancels the token; counts those that
    /// are played.
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
        let until = Until {
            time: None,
            idle: Some(IDLE),
            all_came: Some(ended),
            broke_off: Some(player.broke_off()),
        };
        let bar = Bar::new();
        let drain = self.loaded.settings.delivery.drain;
        let summary = headless::run(pipeline, until, drain, None, |snapshot| {
            let totals = &snapshot.totals;
            let says = format!(
                "files: {} events, {} accepted, {} delivered",
                grouped(totals.received),
                grouped(totals.accepted),
                grouped(totals.delivered)
            );
            bar.draw(files_done.load(Relaxed), self.files.len(), &says);
        })
        .await;
        bar.end();
        summary.say(format);
        player.end().await?;
        Ok(summary.exit_code())
    }
}

/// How far it is, on the line that it stands on; on a terminal only.
struct Bar {
    on_terminal: bool,
}

impl Bar {
    fn new() -> Self {
        Self {
            on_terminal: stderr().is_terminal(),
        }
    }

    fn draw(&self, done: usize, all: usize, what: &str) {
        use std::io::Write as _;
        if !self.on_terminal {
            return;
        }
        let filled = done * BAR / all.max(1);
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR - filled));
        // What was longer before is cleared. Who can't see it misses nothing.
        let _ = write!(stderr(), "\r\x1b[K[{bar}] {done} of {all} {what} ");
    }

    /// Goes on below it.
    fn end(&self) {
        if self.on_terminal {
            complain!();
        }
    }
}

/// The server that stands in for Amplitude's, as requests name it.
fn export_server(text: &str) -> Result<String> {
    let address = Address::new(text);
    match (config::addresses::export_server(&address), address.url()) {
        (Ok(()), Ok(url)) => Ok(url.to_string()),
        (Err(wrong), _) => bail!("--server: {wrong}"),
        (Ok(()), Err(error)) => bail!("--server: {address} {error}"),
    }
}
