//! What a relay answers over HTTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt as _;
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::amplitude::time;
use crate::browser;
use crate::feed::server::{self, Subscription, client_name};

use super::Relay;
use super::refusal::Refusal;
use super::sources::{Entrance, Sender};
use super::wrong_path;
use super::{body, intake};

/// The header in which those who send events name the shared secret. Who can't set a header
/// puts it in front of the path: `/s/SECRET/webhook`.
pub const SECRET_HEADER: &str = "x-relay-secret";
/// So long may the body of a request take.
const PATIENCE: Duration = Duration::from_secs(30);
/// So much of a body is read, and not kept, that is refused anyway.
const PASSED_OVER_BYTES: usize = 40 << 20;
/// So much of what a sender says that it is, is kept.
const AGENT_CHARS: usize = 60;

type Secret = Option<Path<String>>;
type Peer = ConnectInfo<SocketAddr>;

/// The routes of a relay.
pub(super) fn of(relay: &Relay) -> Router {
    let mut routes = Router::new()
        .route("/feed", get(subscribe))
        .route("/feed/", get(subscribe))
        .route("/healthz", get(healthz))
        .route("/healthz/", get(healthz));
    for (entrance, way) in [
        (Entrance::Webhook, post(webhook)),
        (Entrance::HttpApi, post(http_api).options(preflight)),
        (Entrance::Batch, post(batch).options(preflight)),
    ] {
        let path = entrance.path();
        for before in ["", "/s/{secret}"] {
            // A slash behind means nothing.
            routes = routes
                .route(&format!("{before}{path}"), way.clone())
                .route(&format!("{before}{path}/"), way.clone());
        }
    }
    routes
        .fallback(wrong_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(relay.clone(), at_the_door))
        .with_state(relay.clone())
}

/// Tells the connections which of them has a request under way, and refuses those that a web page
/// makes where nothing else keeps it out.
async fn at_the_door(
    State(relay): State<Relay>,
    peer: Peer,
    request: Request,
    next: Next,
) -> Response {
    relay.0.connections.asks(peer.0);
    let response = match foreign(&relay, &request) {
        Some(why) => {
            let sender = sender(Entrance::Unknown, peer, request.headers());
            let refusal = Refusal::new(403, why);
            relay.0.refused.fetch_add(1, Relaxed);
            relay.0.sources.refused(&sender, 403, &refusal.reason());
            said(StatusCode::FORBIDDEN, &refusal.body)
        }
        None => next.run(request).await,
    };
    relay.0.connections.is_answered(peer.0);
    response
}

/// Why a request is refused that needs no secret here and is not this machine's own.
fn foreign(relay: &Relay, request: &Request) -> Option<&'static str> {
    let options = &relay.0.options;
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let (host, origin) = (header(header::HOST), header(header::ORIGIN));
    match request.uri().path().trim_end_matches('/') {
        "/feed" if options.token.is_none() => browser::refuse_socket(origin),
        "/feed" => None,
        "/healthz" if options.token.is_some() => None,
        _ if options.secret.is_some() => None,
        _ => browser::refuse(host, origin),
    }
}

async fn webhook(
    State(relay): State<Relay>,
    peer: Peer,
    secret: Secret,
    request: Request,
) -> Response {
    let sender = sender(Entrance::Webhook, peer, request.headers());
    let taken = async {
        let body = relay.open(&sender, &secret, request).await?;
        relay.0.connections.is_known(peer.0);
        let now_ms = time::now();
        let taken = intake::webhook(&body.plain, &relay.0.options.shape, now_ms)?;
        let events = taken.events;
        relay.0.throttle.take(events.len(), &[], Instant::now())?;
        let count = events.len();
        let answer = relay.publish(&sender, events, body.raw.len(), now_ms).await;
        if let (Ok(_), Some(why)) = (&answer, &taken.why) {
            let (broken, why) = (taken.broken, why.reason());
            let all = broken + count as u64;
            let says = format!("{broken} of {all} elements left out: {why}");
            relay.0.sources.refused(&sender, 200, &says);
        }
        answer
    };
    relay.answer(&sender, taken.await)
}

async fn http_api(relay: State<Relay>, peer: Peer, secret: Secret, request: Request) -> Response {
    envelope(relay, Entrance::HttpApi, peer, secret, request).await
}

async fn batch(relay: State<Relay>, peer: Peer, secret: Secret, request: Request) -> Response {
    envelope(relay, Entrance::Batch, peer, secret, request).await
}

async fn envelope(
    State(relay): State<Relay>,
    entrance: Entrance,
    peer: Peer,
    secret: Secret,
    request: Request,
) -> Response {
    let sender = sender(entrance, peer, request.headers());
    let passing = relay.0.options.pass_to.as_ref();
    let passing = passing.map(|to| (to, request.headers().clone()));
    let taken = async {
        let body = relay.open(&sender, &secret, request).await?;
        relay.0.connections.is_known(peer.0);
        let now_ms = time::now();
        let events = intake::envelope(&body.plain, now_ms)?;
        let throttle = &relay.0.throttle;
        let counted = if throttle.asks_who() {
            &events[..]
        } else {
            &[]
        };
        let who: Vec<_> = counted.iter().map(|event| intake::who(event)).collect();
        throttle.take(events.len(), &who, Instant::now())?;
        let bytes = body.raw.len();
        let Some((passing, headers)) = passing else {
            return relay.publish(&sender, events, bytes, now_ms).await;
        };
        // What Amplitude doesn't take, the SDK sends again: the feed has it when both have.
        let answer = passing.pass(entrance.path(), &headers, body.raw).await;
        let answer = answer.map_err(|why| Refusal::new(503, &why))?;
        if answer.status().is_success() {
            relay.publish(&sender, events, bytes, now_ms).await?;
        }
        Ok(answer)
    };
    relay.answer(&sender, taken.await)
}

impl Relay {
    /// The body, if who sends it may, and it is not too large. From who may not, none is kept.
    async fn open(
        &self,
        sender: &Sender,
        secret: &Secret,
        request: Request,
    ) -> Result<body::Read<'_>, Refusal> {
        let in_path = secret.as_ref().map(|Path(secret)| secret.as_bytes());
        let given = request.headers().get(SECRET_HEADER);
        let mut given = given.map(HeaderValue::as_bytes).into_iter().chain(in_path);
        if let Some(secret) = &self.0.options.secret
            && !given.any(|given| is_same(given, secret))
        {
            passed_over(request, |_| {}).await;
            let says = format!("The secret is missing or wrong: send it as {SECRET_HEADER}");
            return Err(Refusal::new(401, &says));
        }
        let most = sender.entrance.most_bytes();
        let exact = request.body().size_hint().exact();
        if exact.is_some_and(|bytes| bytes > most as u64) {
            passed_over(request, |_| {}).await;
            return Err(Refusal::too_large());
        }
        let (head, body) = request.into_parts();
        self.0.room.read(&head, body, most).await
    }

    /// Publishes events, and says so as Amplitude would.
    async fn publish(
        &self,
        sender: &Sender,
        events: Vec<String>,
        bytes: usize,
        now_ms: time::UnixMs,
    ) -> Result<Response, Refusal> {
        let count = events.len();
        if let Err(error) = self.0.feed.publish_all(events).await {
            // Amplitude tries again; and so do its SDKs.
            return Err(Refusal::new(503, &error.to_string()));
        }
        self.0.received.fetch_add(count as u64, Relaxed);
        self.0.sources.took(sender, count as u64);
        let body = intake::accepted(count, bytes, now_ms);
        Ok(said(StatusCode::OK, &body))
    }

    fn answer(&self, sender: &Sender, taken: Result<Response, Refusal>) -> Response {
        match taken {
            Ok(answer) => for_browsers(answer),
            Err(refusal) => self.refuse(sender, &refusal, None),
        }
    }

    /// Counts and tells a refusal, and answers it; `asked` is told too where the sender's entrance
    /// doesn't say it.
    fn refuse(
        &self,
        sender: &Sender,
        refusal: &Refusal,
        asked: Option<(&Method, &str)>,
    ) -> Response {
        self.0.refused.fetch_add(1, Relaxed);
        let mut why = refusal.reason();
        if let Some((method, path)) = asked {
            let secret = self.0.options.secret.as_ref();
            let secret = secret.map_or("", ExposeSecret::expose_secret);
            why = format!("{}: {why}", wrong_path::shown(method, path, secret));
        }
        self.0.sources.refused(sender, refusal.status, &why);
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        let answer = said(status, &refusal.body);
        match sender.entrance {
            // Pages of others have no business with the feed.
            Entrance::Feed => answer,
            _ => for_browsers(answer),
        }
    }
}

/// A request to a path that there is not. A browser that asks whether it may send there is let, or
/// it would never see the answer that says where to send.
async fn wrong_path(State(relay): State<Relay>, peer: Peer, request: Request) -> Response {
    let asks_first = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if asks_first {
        return preflight().await;
    }
    let sender = sender(Entrance::Unknown, peer, request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut head = Vec::new();
    passed_over(request, |some| {
        let room = wrong_path::HEAD_BYTES - head.len();
        head.extend_from_slice(&some[..some.len().min(room)]);
    })
    .await;
    let refusal = wrong_path::not_found(&path, &head);
    relay.refuse(&sender, &refusal, Some((&method, &path)))
}

/// A request to a path that there is, with a method that it doesn't take; the router adds those
/// that it takes.
async fn wrong_method(State(relay): State<Relay>, peer: Peer, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let sender = sender(wrong_path::entrance(&path), peer, request.headers());
    passed_over(request, |_| {}).await;
    relay.refuse(
        &sender,
        &wrong_path::wrong_method(&path),
        Some((&method, &path)),
    )
}

/// Reads a body, up to a size and for a time, and keeps nothing of it but what `look` does: who is
/// still sending would see a broken connection instead of the answer.
async fn passed_over(request: Request, mut look: impl FnMut(&[u8])) {
    let mut body = request.into_body().into_data_stream();
    let reading = async {
        let mut left = PASSED_OVER_BYTES;
        while let Some(Ok(some)) = body.next().await
            && left > 0
        {
            look(&some);
            left = left.saturating_sub(some.len());
        }
    };
    // What is left then is not waited for.
    let _ = tokio::time::timeout(PATIENCE, reading).await;
}

/// Who sends a request. Behind a proxy on this machine, that is who the proxy says it is.
fn sender(entrance: Entrance, ConnectInfo(peer): Peer, headers: &HeaderMap) -> Sender {
    let agent = text(headers, &header::USER_AGENT);
    Sender {
        entrance,
        address: address(peer, headers),
        agent: agent.chars().take(AGENT_CHARS).collect(),
    }
}

fn address(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.ip().to_canonical();
    let forwarded = text(headers, &HeaderName::from_static("x-forwarded-for"));
    let said = forwarded.rsplit(',').next().unwrap_or_default().trim();
    match said.parse() {
        Ok(address) if peer.is_loopback() => address,
        _ => peer,
    }
}

/// A header's text; none where it has none.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// Compared in a time that tells nothing of how much of it is right.
fn is_same(given: &[u8], secret: &SecretString) -> bool {
    given.ct_eq(secret.expose_secret().as_bytes()).into()
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

/// How it stands, in figures; 503 where what comes can't be kept. What damage cost is told, and is
/// no reason to send nothing any more.
async fn healthz(State(relay): State<Relay>) -> Response {
    let log = relay.0.feed.log_status().unwrap_or_default();
    let fault = log.fault;
    let status = match fault {
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
        None => StatusCode::OK,
    };
    let mut body = json!(relay.counts());
    body["fault"] = fault.into();
    body["damage"] = log.damage.description.into();
    said(status, &body)
}

/// A client of the feed: the connection is handed over once both sides agree.
async fn subscribe(
    State(relay): State<Relay>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    let headers = request.headers();
    let text = |name: HeaderName| text(headers, &name);
    let refuse = |status, says| {
        let reader = sender(Entrance::Feed, ConnectInfo(peer), headers);
        relay.refuse(&reader, &Refusal::new(status, says), None)
    };
    if let Some(token) = &relay.0.options.token {
        let given = text(header::AUTHORIZATION).strip_prefix("Bearer ");
        if !is_same(given.unwrap_or_default().as_bytes(), token) {
            return refuse(401, "The bearer token is missing or wrong");
        }
    }
    let wants = text(header::UPGRADE).eq_ignore_ascii_case("websocket");
    let key = text(header::SEC_WEBSOCKET_KEY);
    if !wants || key.is_empty() || text(header::SEC_WEBSOCKET_VERSION) != "13" {
        return refuse(426, "The feed is a WebSocket: subscribe to it");
    }
    relay.0.connections.is_known(peer);
    let accept = derive_accept_key(key.as_bytes());
    let address = address(peer, headers);
    let name = client_name(headers, address);
    let asked = request
        .uri()
        .query()
        .map(Subscription::parse)
        .unwrap_or_default();
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        // One that is gone before it began is no client.
        let Ok(upgraded) = upgrading.await else {
            return;
        };
        let stream = TokioIo::new(upgraded);
        let heard = Some(server::client_message_limits());
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, heard).await;
        relay.0.feed.serve(socket, asked, (&name, address)).await;
    });
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}
