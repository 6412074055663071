//! A live feed from Amplitude, which has none of its own: takes what Amplitude's *Webhooks
//! Streaming* and its SDKs send over HTTP, and serves it as the WebSocket feed that `watch` and
//! `run` subscribe to.
//!
//! ```text
//!  Amplitude ── POST /webhook ──────┐             ┌── GET /feed ── watch
//!  SDKs ─────── POST /2/httpapi ────┼──▶ ring ──▶─┤
//!  servers ──── POST /batch ────────┘             └── GET /feed ── run
//! ```
//! Any number of clients read it, each at its own speed; one that takes nothing for too long is
//! cut, never at the others' cost, and resumes from the ring, or the log, when it comes back.

mod body;
mod connections;
pub mod intake;
pub mod passing;
pub mod refusal;
mod routes;
pub mod shape;
pub mod sources;
pub mod throttle;
mod wrong_path;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use secrecy::SecretString;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::amplitude::time::{self, UnixMs};
use crate::feed::log::{Log, LogError};
use crate::feed::server::{self, ClientStatus, LogStatus, Server};
use crate::feed::usage::Usage;

use body::Room;
use connections::Connections;
use passing::Passing;
use shape::Shape;
use sources::{SourceRow, Sources};
use throttle::{Limits, Throttle};

pub use routes::SECRET_HEADER;

/// The head of a request has to come within this, the first one of a connection and those that
/// follow on it: an idle connection is closed after it.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// How a relay behaves.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What those who send events have to know; nothing where anyone may.
    pub secret: Option<SecretString>,
    /// The bearer token of those who read the feed; none where anyone may.
    pub token: Option<SecretString>,
    /// The certificate and its key, where it speaks TLS itself.
    pub tls: Option<RustlsConfig>,
    /// Where the fields of an event stand in webhooks of the user's own shape.
    pub shape: Shape,
    /// Events a second that are taken.
    pub limits: Limits,
    /// Where requests of SDKs are passed on to, and whose answer is theirs then.
    pub pass_to: Option<Passing>,
    /// The feed.
    pub feed: server::Options,
}

/// A running relay.
#[derive(Debug, Clone)]
pub struct Relay(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: Options,
    address: SocketAddr,
    /// Where connections come in.
    door: Handle<SocketAddr>,
    connections: Connections,
    feed: Server,
    throttle: Throttle,
    room: Room,
    sources: Sources,
    since_ms: UnixMs,
    received: AtomicU64,
    refused: AtomicU64,
}

/// Why a relay can't be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Nobody listens.
    #[error(transparent)]
    Listen(#[from] std::io::Error),
    /// There is no log.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What a relay has done, without a word about who sends and reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events that were taken.
    pub received: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Clients that are connected.
    pub clients: usize,
    /// Messages that are kept in memory for clients that come back.
    pub kept: u64,
    /// Bytes of them.
    pub kept_bytes: u64,
    /// Messages that damage of the log cost since the start, as far as they could be counted.
    pub lost: u64,
}

/// How a relay stands.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// When this was.
    pub at_ms: UnixMs,
    /// When it started.
    pub since_ms: UnixMs,
    /// Events that were taken.
    pub received: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// What is in memory.
    pub ring: Usage,
    /// What is on disk, where anything is.
    pub log: Option<LogStatus>,
    /// Who sends.
    pub sources: Vec<SourceRow>,
    /// Who reads.
    pub clients: Vec<ClientStatus>,
}

impl Relay {
    /// Serves on `listener` until the runtime ends. With a log, a request is answered once its
    /// events are on disk.
    pub fn start(
        listener: TcpListener,
        options: Options,
        log: Option<Log>,
    ) -> Result<Self, StartError> {
        let address = listener.local_addr()?;
        let feed = match log {
            Some(log) => Server::with_log(address, options.feed.clone(), log)?,
            None => Server::new(address, options.feed.clone()),
        };
        let listener = listener.into_std()?;
        let tls = options.tls.clone();
        let relay = Self(Arc::new(Shared {
            address,
            door: Handle::new(),
            connections: Connections::new(),
            throttle: Throttle::new(options.limits, Instant::now()),
            options,
            room: Room::default(),
            sources: Sources::new(feed.log_limit()),
            feed,
            since_ms: time::now(),
            received: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }));
        let app = routes::of(&relay).into_make_service_with_connect_info::<SocketAddr>();
        // It serves until it is told to end; what goes wrong with one connection ends that.
        let door = relay.0.door.clone();
        let connections = relay.0.connections.clone();
        let mut server = axum_server::from_tcp(listener)?.first_request_timeout(HEAD_PATIENCE);
        let http1 = &mut server.http_builder().http1();
        http1.header_read_timeout(HEAD_PATIENCE);
        match tls {
            Some(tls) => {
                let tls = RustlsAcceptor::new(tls).acceptor(connections);
                tokio::spawn(server.handle(door).acceptor(tls).serve(app));
            }
            None => {
                let server = server.handle(door).acceptor(connections);
                tokio::spawn(server.serve(app));
            }
        }
        Ok(relay)
    }

    /// Where to subscribe.
    pub fn feed_url(&self) -> String {
        let scheme = if self.speaks_tls() { "wss" } else { "ws" };
        format!("{scheme}://{}/feed", self.0.address)
    }

    /// Where to send events to.
    pub fn url(&self) -> String {
        let scheme = if self.speaks_tls() { "https" } else { "http" };
        format!("{scheme}://{}", self.0.address)
    }

    fn speaks_tls(&self) -> bool {
        self.0.options.tls.is_some()
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        let ring = self.0.feed.ring_usage();
        Counts {
            received: self.0.received.load(Relaxed),
            refused: self.0.refused.load(Relaxed),
            clients: self.0.feed.clients(),
            kept: ring.messages,
            kept_bytes: ring.bytes,
            lost: self.0.feed.log_status().map_or(0, |log| log.damage.lost),
        }
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let own = &self.0;
        Standing {
            at_ms: time::now(),
            since_ms: own.since_ms,
            received: own.received.load(Relaxed),
            refused: own.refused.load(Relaxed),
            ring: own.feed.ring_usage(),
            log: own.feed.log_status(),
            sources: own.sources.rows(),
            clients: own.feed.client_statuses(),
        }
    }

    /// Takes no more: clients are sent what is there, and closed; who sends is answered 503, or
    /// finds nobody, and sends it again later.
    pub fn end(&self) {
        self.0.feed.end();
        self.0.door.graceful_shutdown(None);
    }

    /// Logs how many lines were left out of the log lately, at the end.
    pub fn tell_left_out(&self) {
        self.0.feed.log_limit().finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::log::Retention;
    use serde_json::json;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_disk_is_told_to_who_sends_and_nothing_of_it_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let keep = Retention {
            age: Duration::from_secs(60),
            bytes: 1 << 30,
        };
        let log = Log::open(folder.path(), keep).unwrap();
        log.limit_pages(20);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let options = Options {
            feed: server::Options {
                wait_for_client: false,
                wait_for_slow: false,
                ..server::Options::default()
            },
            ..Options::default()
        };
        let relay = Relay::start(listener, options, Some(log)).unwrap();
        let http = crate::http::client(&Arc::default()).build().unwrap();
        let event = json!({ "event_type": "A", "user_id": "u", "x": "y".repeat(50_000) });
        let (mut taken, mut refused) = (0, String::new());
        while refused.is_empty() {
            let request = http.post(format!("{}/webhook", relay.url()));
            let answer = request.body(event.to_string()).send().await.unwrap();
            match answer.status().as_u16() {
                200 => taken += 1,
                503 => refused = answer.text().await.unwrap(),
                other => panic!("{other}"),
            }
        }
        assert!(refused.contains("cannot keep messages in"), "{refused}");
        assert!(taken > 0);
        let health = http.get(format!("{}/healthz", relay.url())).send().await;
        let health = health.unwrap();
        assert_eq!(health.status(), 503);
        let health = health.text().await.unwrap();
        assert!(health.contains("cannot keep messages in"), "{health}");
        let counts = relay.counts();
        assert_eq!(
            (counts.received, counts.kept, counts.refused),
            (taken, taken, 1)
        );
    }
}
