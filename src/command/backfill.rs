//! `backfill`: downloads past events from Amplitude's Export API into files, then plays them through
//! the filters to Customer.io, or serves them as a feed.

use std::io::{IsTerminal as _, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use color_eyre::eyre::Result;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::{Backfill, Format, LogFormat};
use crate::config;
use crate::config::Needs;
use crate::feed::replay::{self, ReplayOptions};
use crate::feed::server::{Options, Server};
use crate::filter::Mode;
use crate::pipeline::Pipeline;
use crate::text::grouped;
use crate::tui::relay::LogLines;

use super::config_source::ConfigSource;
use super::export::{self, Export};
use super::forwarder::start;
use super::headless::{self, EndConditions};
use super::listener::listen;
use super::output::{log_to, log_to_stderr_from};
use super::player::Player;
use super::progress::ProgressBar;
use super::summary::Summary;
use super::{problems, publish, watch};

/// Idle time after which a playback counts as finished.
const IDLE: Duration = Duration::from_secs(2);

pub(super) async fn run(args: Backfill, source: ConfigSource) -> Result<ExitCode> {
    let on_screen = args.play && !args.headless && stdin().is_terminal() && stdout().is_terminal();
    let lines = LogLines::default();
    if on_screen {
        log_to(lines.clone());
    } else {
        log_to_stderr_from("warn", LogFormat::Text);
    }
    let publisher = match &args.publish {
        Some(url) => {
            let settings = source.clone().load(&[])?.settings;
            Some(publish::publisher(&settings.nats, &url.clone().into()).await?)
        }
        None => None,
    };
    let loaded = if args.play {
        Some(load(&args, source)?)
    } else {
        None
    };
    let wanted = Export {
        start: args.start,
        end: args.end,
        server: &args.export,
        to: &args.to,
    };
    let downloaded = export::download(&wanted).await;
    for line in lines.all() {
        complain!("{}", line.text);
    }
    let downloaded = downloaded?;
    say!("{}", downloaded.summary);
    let files = downloaded.files;
    let playing = ReplayOptions {
        speed: args.speed,
        repeat: false,
        max_event_bytes: args.archives.max_event_bytes,
    };
    if let Some(address) = args.serve {
        let listener = listen(address).await?;
        return super::replay::serve(listener, &files, playing).await;
    }
    if let Some(publisher) = publisher {
        return publish::archives(&publisher, &files, playing).await;
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
        Box::pin(playback.finish(args.format)).await
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

/// The playback of files with events, through the filters to Customer.io.
pub(super) struct Playback {
    loaded: config::Loaded,
    /// The server of the feed that the files are played into.
    server: Server,
    files: Arc<[PathBuf]>,
    playing: ReplayOptions,
    /// The folder of the spool: not that of the forwarder, which may be running.
    spool: PathBuf,
}

impl Playback {
    /// Prepares the playback of these files.
    pub(super) async fn of(
        files: Vec<PathBuf>,
        playing: ReplayOptions,
        mut loaded: config::Loaded,
    ) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let server = Server::start(listener, Options::default())?;
        let settings = &mut loaded.settings;
        let of_forwarder = settings.spool_folder()?;
        let ledger = settings.ledger_folder(&of_forwarder);
        settings.ledger.folder = ledger.display().to_string();
        // An event that is only tried was not received.
        settings.ledger.enabled &= settings.gate == Mode::Open;
        let spool = own_spool(settings)?;
        // Tokens and certificates of the live feed must not go to another server.
        settings.feed = config::Feed {
            is_playback: true,
            ..config::Feed::of_this_process(&server.url())
        };
        Ok(Self {
            loaded,
            server,
            files: files.into(),
            playing,
            spool,
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
        let (summary, played) = Box::pin(self.run()).await?;
        summary.say(format);
        played?;
        Ok(summary.exit_code())
    }

    /// Plays all files without a screen. Returns the summary, and whether all files could be played.
    pub(super) async fn run(self) -> Result<(Summary, Result<()>)> {
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
        Ok((summary, player.end().await))
    }
}

/// The spool of playbacks beside that of the forwarder, which may be running.
pub(super) fn own_spool(settings: &config::Settings) -> Result<PathBuf> {
    let mut spool = settings.spool_folder()?.into_os_string();
    spool.push("-backfill");
    Ok(spool.into())
}
