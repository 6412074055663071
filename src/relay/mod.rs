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
//! cut, never at the others' cost, and resumes from the ring when it comes back.

pub mod intake;
pub mod passing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::amplitude::time;
use crate::feed::log::{Log, LogError};
use crate::feed::server::{self, CLIENT_HEADER, Server, last_received};

use intake::{MOST_BATCH_BYTES, MOST_BYTES, Refusal};
use passing::Passing;

/// The header in which those who send events name the shared secret. Who can't set a header
/// puts it in front of the path: `/s/SECRET/webhook`.
pub const SECRET_HEADER: &str = "x-relay-secret";

/// How a relay behaves.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What those who send events have to know; nothing where anyone may.
    pub secret: Option<SecretString>,
    /// The bearer token of those who read the feed; none where anyone may.
    pub token: Option<SecretString>,
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
    feed: Server,
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

/// What a relay has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Events that were taken.
    pub received: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Clients that are connected.
    pub clients: usize,
    /// Messages that are kept for clients that come back.
    pub kept: u64,
    /// Bytes of them.
    pub kept_bytes: usize,
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
            Some(log) => Server::logging(address, options.feed.clone(), log)?,
            None => Server::at(address, options.feed.clone()),
        };
        let relay = Self(Arc::new(Shared {
            address,
            feed,
            options,
            received: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }));
        let routes = relay.routes();
        let app = routes.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move {
            // It serves until the runtime ends; what goes wrong with one connection ends that.
            let _ = axum::serve(listener, app).await;
        });
        Ok(relay)
    }

    /// Where to subscribe.
    pub fn feed_url(&self) -> String {
        self.0.feed.url()
    }

    /// Where to send events to.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        let (kept, kept_bytes) = self.0.feed.kept();
        Counts {
            received: self.0.received.load(Relaxed),
            refused: self.0.refused.load(Relaxed),
            clients: self.0.feed.clients(),
            kept,
            kept_bytes,
        }
    }

    /// Says that no more comes: clients are sent what is there, and closed.
    pub fn end(&self) {
        self.0.feed.end();
    }

    fn routes(&self) -> Router {
        let small = DefaultBodyLimit::max(MOST_BYTES);
        let large = DefaultBodyLimit::max(MOST_BATCH_BYTES);
        let mut routes = Router::new()
            .route("/feed", get(subscribe))
            .route("/healthz", get(healthz));
        for (path, way, limit) in [
            ("/webhook", post(webhook), small),
            (
                "/2/httpapi",
                post(envelope::<MOST_BYTES>).options(preflight),
                small,
            ),
            (
                "/batch",
                post(envelope::<MOST_BATCH_BYTES>).options(preflight),
                large,
            ),
        ] {
            let behind_secret = format!("/s/{{secret}}{path}");
            routes = routes
                .route(path, way.clone().layer(limit))
                .route(&behind_secret, way.layer(limit));
        }
        routes.with_state(self.clone())
    }

    /// Whether who sends knows the secret.
    fn is_trusted(&self, headers: &HeaderMap, in_path: Option<&str>) -> bool {
        let Some(secret) = &self.0.options.secret else {
            return true;
        };
        let given = headers.get(SECRET_HEADER).map(HeaderValue::as_bytes);
        given
            .into_iter()
            .chain(in_path.map(str::as_bytes))
            .any(|given| is_same(given, secret))
    }

    /// Publishes them, and answers.
    async fn take(&self, request: Taking, taken: Result<Vec<String>, Refusal>) -> Response {
        let events = match taken {
            Ok(events) => events,
            Err(refusal) => return self.refuse(&refusal),
        };
        let count = events.len();
        if let Err(error) = self.0.feed.publish_all(events).await {
            tracing::error!("{error}");
            // Amplitude tries again; and so do its SDKs.
            return self.refuse(&Refusal::new(503, &error.to_string()));
        }
        self.0.received.fetch_add(count as u64, Relaxed);
        let body = intake::accepted(count, request.bytes, request.now_ms);
        for_browsers(said(StatusCode::OK, &body))
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        self.0.refused.fetch_add(1, Relaxed);
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        for_browsers(said(status, &refusal.body))
    }
}

/// Compared in a time that tells nothing of how much of it is right.
fn is_same(given: &[u8], secret: &SecretString) -> bool {
    given.ct_eq(secret.expose_secret().as_bytes()).into()
}

/// A request that is being taken.
#[derive(Clone, Copy)]
struct Taking {
    bytes: usize,
    now_ms: time::UnixMs,
}

type Secret = Option<Path<String>>;
type Body = Result<Bytes, BytesRejection>;

/// The body, if who sends it may, and it is not too large.
fn opened(
    relay: &Relay,
    headers: &HeaderMap,
    secret: &Secret,
    body: Body,
    most: usize,
) -> Result<(Taking, Vec<u8>), Refusal> {
    if !relay.is_trusted(headers, secret.as_ref().map(|Path(secret)| secret.as_str())) {
        let says = format!("The secret is missing or wrong: send it as {SECRET_HEADER}");
        return Err(Refusal::new(401, &says));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_large(),
        status => Refusal::new(status.as_u16(), &rejection.body_text()),
    })?;
    let encoding = headers.get(header::CONTENT_ENCODING);
    let encoding = encoding.and_then(|value| value.to_str().ok());
    let taking = Taking {
        bytes: body.len(),
        now_ms: time::now(),
    };
    Ok((taking, intake::unpacked(&body, encoding, most)?))
}

async fn webhook(
    State(relay): State<Relay>,
    secret: Secret,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match opened(&relay, &headers, &secret, body, MOST_BYTES) {
        Ok((taking, body)) => {
            let events = intake::webhook(&body, taking.now_ms);
            relay.take(taking, events).await
        }
        Err(refusal) => relay.refuse(&refusal),
    }
}

async fn envelope<const MOST: usize>(
    State(relay): State<Relay>,
    secret: Secret,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let raw = body.as_ref().ok().cloned();
    let (taking, body) = match opened(&relay, &headers, &secret, body, MOST) {
        Ok(opened) => opened,
        Err(refusal) => return relay.refuse(&refusal),
    };
    let events = intake::envelope(&body, taking.now_ms);
    let (Some(passing), Some(raw), Ok(_)) = (&relay.0.options.pass_to, raw, &events) else {
        return relay.take(taking, events).await;
    };
    let path = if MOST == MOST_BATCH_BYTES {
        "/batch"
    } else {
        "/2/httpapi"
    };
    // What Amplitude doesn't take, the SDK sends again: the feed has it when both have.
    match passing.pass(path, &headers, raw).await {
        Ok(answer) if answer.status().is_success() => {
            let own = relay.take(taking, events).await;
            if own.status().is_success() {
                for_browsers(answer)
            } else {
                own
            }
        }
        Ok(answer) => for_browsers(answer),
        Err(why) => relay.refuse(&Refusal::new(503, &why)),
    }
}

/// Browsers ask first, and want to be told that they may.
async fn preflight() -> Response {
    let mut response = for_browsers(StatusCode::NO_CONTENT.into_response());
    let headers = response.headers_mut();
    let post = HeaderValue::from_static("POST, OPTIONS");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, post);
    let any = HeaderValue::from_static("content-type, content-encoding, x-relay-secret");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, any);
    let day = HeaderValue::from_static("86400");
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, day);
    response
}

fn said(status: StatusCode, body: &Value) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}

fn for_browsers(mut response: Response) -> Response {
    let any = HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    response
}

async fn healthz(State(relay): State<Relay>) -> Response {
    said(StatusCode::OK, &json!(relay.counts()))
}

/// A client of the feed: the connection is handed over once both sides agree.
async fn subscribe(
    State(relay): State<Relay>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    let headers = request.headers();
    let text = |name: header::HeaderName| {
        let value = headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    if let Some(token) = &relay.0.options.token {
        let given = text(header::AUTHORIZATION).strip_prefix("Bearer ");
        if !is_same(given.unwrap_or_default().as_bytes(), token) {
            let says = json!({ "code": 401, "error": "The bearer token is missing or wrong" });
            return said(StatusCode::UNAUTHORIZED, &says);
        }
    }
    let wants = text(header::UPGRADE).eq_ignore_ascii_case("websocket");
    let key = text(header::SEC_WEBSOCKET_KEY);
    if !wants || key.is_empty() || text(header::SEC_WEBSOCKET_VERSION) != "13" {
        let says = json!({ "code": 426, "error": "The feed is a WebSocket: subscribe to it" });
        return said(StatusCode::UPGRADE_REQUIRED, &says);
    }
    let accept = derive_accept_key(key.as_bytes());
    let name = match headers.get(CLIENT_HEADER).and_then(|v| v.to_str().ok()) {
        Some(own) => format!("name:{own}"),
        None => peer.ip().to_string(),
    };
    let asked = request.uri().query().and_then(last_received);
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        // One that is gone before it began is no client.
        let Ok(upgraded) = upgrading.await else {
            return;
        };
        let stream = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        relay.0.feed.serve(socket, asked.as_deref(), &name).await;
    });
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::log::Keep;
    use std::time::Duration;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_disk_is_told_to_who_sends_and_nothing_of_it_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let keep = Keep {
            age: Duration::from_secs(60),
            bytes: 1 << 30,
        };
        let log = Log::open(folder.path(), keep).unwrap();
        log.fill_disk_at(20);
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
        let http = crate::http::client().no_proxy().build().unwrap();
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
        let counts = relay.counts();
        assert_eq!(
            (counts.received, counts.kept, counts.refused),
            (taken, taken, 1)
        );
    }
}
