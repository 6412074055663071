//! The control API of a relay: its state, metrics and probes. Nothing of a relay can be changed while it
//! runs, but its certificate.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::protocol::Author;
use crate::relay::{Relay, RelayStatus};

use super::about::PROTOCOL;
use super::access::{Access, Caller, Role};
use super::door::Doors;
use super::metrics;
use super::refusal::answer;

/// The control API of a relay. Clones share it.
#[derive(Debug, Clone)]
pub struct RelayApi {
    relay: Relay,
    access: Arc<Access>,
}

/// A relay, for its clients.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AboutRelay {
    /// The version of the API.
    pub protocol: u32,
    /// The version of the program.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// The base URL that senders use.
    pub url: String,
    /// The URL of its feed.
    pub feed: String,
}

/// The answer to who the relay is, and who asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AboutRelayAnswer {
    /// The relay.
    pub relay: AboutRelay,
    /// Whoever asks.
    pub you: Author,
    /// What they may do.
    pub role: Role,
}

impl RelayApi {
    /// The API of `relay`.
    pub fn new(relay: Relay, access: Access) -> Self {
        let access = Arc::new(access);
        Self { relay, access }
    }

    /// Its routes, for the socket and for the network.
    pub fn doors(&self) -> Doors {
        let guarded = Router::new()
            .route("/metrics", get(metrics))
            .route("/v1/about", get(about))
            .route("/v1/status", get(status))
            .with_state(self.clone());
        let open = Router::new()
            .route("/healthz", get(alive))
            .route("/readyz", get(ready))
            .with_state(self.clone());
        Doors::new(&guarded, &open, &self.access)
    }
}

async fn about(State(api): State<RelayApi>, Extension(caller): Extension<Caller>) -> Response {
    let relay = AboutRelay {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        url: api.relay.url(),
        feed: api.relay.feed_url(),
    };
    let body = AboutRelayAnswer {
        relay,
        you: caller.author,
        role: caller.role,
    };
    answer(StatusCode::OK, &body)
}

async fn status(State(api): State<RelayApi>) -> Response {
    answer(StatusCode::OK, &api.relay.status())
}

async fn metrics(State(api): State<RelayApi>) -> Response {
    metrics::of_relay(api.relay.status())
}

async fn alive() -> Response {
    answer(StatusCode::OK, &json!({ "alive": true }))
}

async fn ready(State(api): State<RelayApi>) -> Response {
    let (log, listener) = (log_works(&api.relay.status()), api.relay.is_listening());
    let is_ready = log && listener;
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({ "ready": is_ready, "log": log, "listener": listener });
    answer(status, &body)
}

/// Whether messages can be written to the log. Without one none have to.
fn log_works(status: &RelayStatus) -> bool {
    status.log.as_ref().is_none_or(|log| log.fault.is_none())
}
