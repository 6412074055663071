//! The endpoint of the feed: hands the connection over to the feed's server.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::feed::server::{self, Subscription, client_name};

use super::endpoint::Endpoint;
use super::refusal::Refusal;
use super::relay_server::Relay;
use super::sender::{Sender, address, text};
use super::upload::is_secret;

/// Upgrades the connection of a client to a WebSocket, and serves the feed on it.
pub(super) async fn subscribe(
    State(relay): State<Relay>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    let headers = request.headers();
    let key = match check(&relay, headers) {
        Ok(key) => key,
        Err(refusal) => {
            let client = Sender::new(Endpoint::Feed, peer, headers);
            return relay.refuse(&client, &refusal, None);
        }
    };
    relay.0.connections.mark_trusted(peer);
    let accept = derive_accept_key(key.as_bytes());
    let address = address(peer, headers);
    let name = client_name(headers, address);
    let query = request.uri().query();
    let subscription = query.map(Subscription::parse).unwrap_or_default();
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(serve(relay, upgrading, subscription, (name, address)));
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// Checks the token and the handshake (RFC 6455, 4.2.1). Returns `Sec-WebSocket-Key`.
fn check<'h>(relay: &Relay, headers: &'h HeaderMap) -> Result<&'h str, Refusal> {
    let text = |name: HeaderName| text(headers, &name);
    if let Some(token) = &relay.0.options.token {
        let given = text(header::AUTHORIZATION).strip_prefix("Bearer ");
        if !is_secret(given.unwrap_or_default().as_bytes(), token) {
            return Err(Refusal::new(401, "The bearer token is missing or wrong"));
        }
    }
    let is_upgrade = text(header::UPGRADE).eq_ignore_ascii_case("websocket");
    let key = text(header::SEC_WEBSOCKET_KEY);
    if !is_upgrade || key.is_empty() || text(header::SEC_WEBSOCKET_VERSION) != "13" {
        let error = "The feed is a WebSocket: subscribe to it";
        return Err(Refusal::new(426, error));
    }
    Ok(key)
}

async fn serve(
    relay: Relay,
    upgrading: OnUpgrade,
    subscription: Subscription,
    (name, address): (String, IpAddr),
) {
    // The client disconnected before the upgrade.
    let Ok(upgraded) = upgrading.await else {
        return;
    };
    let stream = TokioIo::new(upgraded);
    let limits = Some(server::client_message_limits());
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, limits).await;
    let feed = &relay.0.feed;
    feed.serve(socket, subscription, (&name, address)).await;
}
