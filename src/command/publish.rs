//! Publishing events into the stream of a group: what `relay`, `replay` and `backfill` share.

use std::path::PathBuf;
use std::process::ExitCode;

use color_eyre::eyre::Result;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::feed::replay::{self, ReplayOptions};
use crate::feed::server::{Options, Server};
use crate::feed::{Feed, WebSocketFeed};
use crate::jetstream::{Connection, NatsSettings, Publisher, bridge};
use crate::network::Address;
use crate::signals;
use crate::text::grouped;

use super::nats;
use super::player::refuse_unreadable;

/// Connects to the group at an address.
pub(super) async fn publisher(settings: &NatsSettings, address: &Address) -> Result<Publisher> {
    let location = nats::location_at(address)?;
    Ok(Publisher::new(Connection::open(settings, &location).await?))
}

/// A feed of this process.
pub(super) fn own_feed(url: &str, token: &secrecy::SecretString) -> Result<Box<dyn Feed>> {
    let settings = config::Feed {
        token: token.clone(),
        ..config::Feed::of_this_process(url)
    };
    Ok(Box::new(WebSocketFeed::new(settings)?))
}

/// Publishes archives, until everything is published, or until a signal.
pub(super) async fn archives(
    publisher: &Publisher,
    files: &[PathBuf],
    playing: ReplayOptions,
) -> Result<ExitCode> {
    let signal = signals::first();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let server = Server::start(listener, Options::default())?;
    let feed = own_feed(&server.url(), &secrecy::SecretString::default())?;
    let stop = CancellationToken::new();
    let all = async {
        let played = replay::play(&server, files, playing, |_| {}).await?;
        server.end();
        server.drained().await;
        stop.cancel();
        color_eyre::eyre::Ok(played)
    };
    let both = async { tokio::join!(all, bridge(feed, publisher, None, stop.clone())) };
    tokio::select! {
        (played, report) = both => {
            let (played, report) = (played?, report?);
            say!(
                "published {} events to {}, {} malformed parts and {} too large events left out",
                grouped(report.published),
                publisher.connection().shown(),
                grouped(report.malformed),
                grouped(report.too_large)
            );
            refuse_unreadable(&played)?;
        }
        () = signal.cancelled() => {
            say!("stopped; the same command publishes the rest, and what the stream has is recognized for a while");
        }
    }
    Ok(ExitCode::SUCCESS)
}
