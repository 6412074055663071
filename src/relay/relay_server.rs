//! A running relay, as the rest of the program uses it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use axum_server::Handle;
use tokio::time::Instant;

use crate::amplitude::time::{self, UnixMs};
use crate::feed::server::Server;

use super::body::BodyMemory;
use super::connections::Connections;
use super::options::Options;
use super::sources::Sources;
use super::status::{RelayCounts, RelayStatus};
use super::throttle::Throttle;

/// A running relay. Clones are handles to the same relay.
#[derive(Debug, Clone)]
pub struct Relay(pub(super) Arc<Shared>);

/// The state that all requests share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    address: SocketAddr,
    /// Stops the HTTP server.
    pub(super) http_server: Handle<SocketAddr>,
    pub(super) connections: Connections,
    pub(super) feed: Server,
    pub(super) throttle: Throttle,
    pub(super) body_memory: BodyMemory,
    pub(super) sources: Sources,
    since_ms: UnixMs,
    pub(super) received: AtomicU64,
    pub(super) refused: AtomicU64,
    /// Whether it takes connections.
    pub(super) is_listening: AtomicBool,
}

impl Relay {
    pub(super) fn new(address: SocketAddr, options: Options, feed: Server) -> Self {
        Self(Arc::new(Shared {
            address,
            http_server: Handle::new(),
            connections: Connections::new(),
            throttle: Throttle::new(options.limits, Instant::now()),
            options,
            body_memory: BodyMemory::default(),
            sources: Sources::new(feed.log_limit()),
            feed,
            since_ms: time::now(),
            received: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            is_listening: AtomicBool::new(true),
        }))
    }

    /// The URL that clients subscribe to.
    pub fn feed_url(&self) -> String {
        let scheme = if self.speaks_tls() { "wss" } else { "ws" };
        format!("{scheme}://{}/feed", self.0.address)
    }

    /// The base URL that senders use.
    pub fn url(&self) -> String {
        let scheme = if self.speaks_tls() { "https" } else { "http" };
        format!("{scheme}://{}", self.0.address)
    }

    fn speaks_tls(&self) -> bool {
        self.0.options.tls.is_some()
    }

    /// Counts since the start.
    pub fn counts(&self) -> RelayCounts {
        let ring = self.0.feed.ring_usage();
        RelayCounts {
            received: self.0.received.load(Relaxed),
            refused: self.0.refused.load(Relaxed),
            clients: self.0.feed.clients(),
            kept: ring.messages,
            kept_bytes: ring.bytes,
            lost: self.0.feed.log_status().map_or(0, |log| log.damage.lost),
        }
    }

    /// The current status.
    pub fn status(&self) -> RelayStatus {
        let shared = &self.0;
        RelayStatus {
            at_ms: time::now(),
            since_ms: shared.since_ms,
            received: shared.received.load(Relaxed),
            refused: shared.refused.load(Relaxed),
            ring: shared.feed.ring_usage(),
            log: shared.feed.log_status(),
            sources: shared.sources.statuses(),
            clients: shared.feed.client_statuses(),
        }
    }

    /// Whether it takes connections: it is not ending, and its listener has not failed.
    pub fn is_listening(&self) -> bool {
        self.0.is_listening.load(Relaxed)
    }

    /// Stops accepting events: clients receive the messages that are left and a close frame.
    /// Senders get 503 or no connection, and retry later.
    pub fn end(&self) {
        self.0.is_listening.store(false, Relaxed);
        self.0.feed.end();
        self.0.http_server.graceful_shutdown(None);
    }

    /// Logs the counts of suppressed log lines, at shutdown.
    pub fn log_suppressed(&self) {
        self.0.feed.log_limit().finish();
    }
}
