//! The routes of a relay: which request goes where, and which are refused before.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;

use crate::browser;

use super::answer::{self, preflight};
use super::body::discard;
use super::endpoint::Endpoint;
use super::refusal::Refusal;
use super::relay_server::Relay;
use super::sender::Sender;
use super::subscribe::subscribe;
use super::upload::{batch, http_api, webhook};
use super::wrong_path;

type Peer = ConnectInfo<SocketAddr>;

/// The routes of a relay.
pub(super) fn router(relay: &Relay) -> Router {
    let mut routes = Router::new()
        .route("/feed", get(subscribe))
        .route("/feed/", get(subscribe))
        .route("/healthz", get(healthz))
        .route("/healthz/", get(healthz));
    for (endpoint, method) in [
        (Endpoint::Webhook, post(webhook)),
        (Endpoint::HttpApi, post(http_api).options(preflight)),
        (Endpoint::Batch, post(batch).options(preflight)),
    ] {
        let path = endpoint.path();
        for prefix in ["", "/s/{secret}"] {
            // A trailing slash is ignored.
            routes = routes
                .route(&format!("{prefix}{path}"), method.clone())
                .route(&format!("{prefix}{path}/"), method.clone());
        }
    }
    routes
        .fallback(wrong_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(relay.clone(), guard))
        .with_state(relay.clone())
}

/// Tracks which connections have a request in progress, and refuses requests of foreign web pages
/// that no secret keeps out.
async fn guard(State(relay): State<Relay>, peer: Peer, request: Request, next: Next) -> Response {
    relay.0.connections.mark_requesting(peer.0);
    let response = match foreign_page(&relay, &request) {
        Some(why) => {
            let sender = Sender::new(Endpoint::Unknown, peer.0, request.headers());
            let refusal = Refusal::new(403, why);
            relay.0.refused.fetch_add(1, Relaxed);
            relay.0.sources.refused(&sender, 403, &refusal.reason());
            answer::json(StatusCode::FORBIDDEN, &refusal.body)
        }
        None => next.run(request).await,
    };
    relay.0.connections.mark_idle(peer.0);
    response
}

/// Returns why a request is refused that needs no secret here and comes from a foreign web page.
fn foreign_page(relay: &Relay, request: &Request) -> Option<&'static str> {
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

/// Refuses a request to a path that does not exist, and suggests the right path. A browser's
/// preflight is allowed: otherwise the page would never see the suggestion.
async fn wrong_path(State(relay): State<Relay>, peer: Peer, request: Request) -> Response {
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight {
        return preflight().await;
    }
    let sender = Sender::new(Endpoint::Unknown, peer.0, request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut head = Vec::new();
    discard(request, |chunk| {
        let room = wrong_path::HEAD_BYTES - head.len();
        head.extend_from_slice(&chunk[..chunk.len().min(room)]);
    })
    .await;
    let refusal = wrong_path::not_found(&path, &head);
    relay.refuse(&sender, &refusal, Some((&method, &path)))
}

/// Refuses a request with a method that its path does not allow. The router adds `Allow`.
async fn wrong_method(State(relay): State<Relay>, peer: Peer, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let endpoint = wrong_path::endpoint(&path);
    let sender = Sender::new(endpoint, peer.0, request.headers());
    discard(request, |_| {}).await;
    let refusal = wrong_path::wrong_method(&path);
    relay.refuse(&sender, &refusal, Some((&method, &path)))
}

/// Answers with counts; 503 if the log can't be written. Repaired damage is reported, but does not
/// make the relay unhealthy.
async fn healthz(State(relay): State<Relay>) -> Response {
    let log = relay.0.feed.log_status().unwrap_or_default();
    let status = match log.fault {
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
        None => StatusCode::OK,
    };
    let mut body = json!(relay.counts());
    body["fault"] = log.fault.into();
    body["damage"] = log.damage.description.into();
    answer::json(status, &body)
}
