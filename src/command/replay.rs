//! `replay`: serves archives as a WebSocket feed.

use std::path::PathBuf;
use std::process::ExitCode;

use color_eyre::eyre::Result;
use tokio::net::TcpListener;

use crate::cli::{LogFormat, Replay};
use crate::feed::replay::{self, ReplayOptions};
use crate::feed::server::{Options, Server};
use crate::signals;
use crate::text::grouped;

use super::config_source::ConfigSource;
use super::listener::listen;
use super::output::log_to_stderr;
use super::player::refuse_unreadable;
use super::publish;

pub(super) async fn run(args: Replay, source: ConfigSource) -> Result<ExitCode> {
    log_to_stderr(LogFormat::Text);
    let playing = ReplayOptions {
        speed: args.speed,
        repeat: args.repeat,
        max_event_bytes: args.archives.max_event_bytes,
    };
    if let Some(url) = args.to {
        let settings = source.load(&[])?.settings;
        let publisher = publish::publisher(&settings.nats, &url.into()).await?;
        return publish::archives(&publisher, &args.files, playing).await;
    }
    let listener = listen(args.listen).await?;
    serve(listener, &args.files, playing).await
}

/// Serves archives as a feed, until everything is played and sent, or until a signal.
pub(super) async fn serve(
    listener: TcpListener,
    files: &[PathBuf],
    playing: ReplayOptions,
) -> Result<ExitCode> {
    let signal = signals::first();
    let server = Server::start(listener, Options::default())?;
    say!(
        "feed at {}  (waiting for a client; press Ctrl-C to end)",
        server.url()
    );
    let all = async {
        let played = replay::play(&server, files, playing, |_| {}).await?;
        server.end();
        server.drained().await;
        color_eyre::eyre::Ok(played)
    };
    tokio::select! {
        played = all => {
            let played = played?;
            say!("played {} events, {} malformed", grouped(played.events), grouped(played.malformed));
            refuse_unreadable(&played)?;
        }
        () = signal.cancelled() => say!("stopped"),
    }
    Ok(ExitCode::SUCCESS)
}
