//! The opening handshake: the request for a WebSocket, and the check of its answer (RFC 6455, 4).

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    AUTHORIZATION, CONNECTION, LOCATION, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::generate_request;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::Url;

use crate::customerio::response::retry_after_delay;
use crate::feed::settings::Settings;
use crate::network::address::masked;
use crate::network::head::{self, Head};
use crate::network::{AnyConnection, tls};
use crate::text::duration;
use crate::text::excerpt;

use super::error::{Failure, FeedError};

/// Maximum time that a server's `Retry-After` is respected: a mistake in its configuration must not
/// stop the feed for hours.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);
/// Headers that the handshake sets itself.
const RESERVED_HEADERS: [&str; 7] = [
    "connection",
    "content-length",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
];

/// Returns the feed's URL without credentials, and the headers of the request.
pub(super) fn prepare(settings: &Settings) -> Result<(Url, HeaderMap), FeedError> {
    let wrong = |message: String| FeedError::Url(settings.url.to_string(), message);
    let mut url = settings
        .url
        .url()
        .map_err(|error| wrong(error.to_string()))?
        .clone();
    if !matches!(url.scheme(), "ws" | "wss") {
        return Err(wrong(
            "is not a WebSocket; write ws://… or wss://…".to_owned(),
        ));
    }
    let mut headers = HeaderMap::new();
    if let Some(text) = authorization(settings, &url) {
        let value =
            sensitive(&text).ok_or_else(|| FeedError::Header("Authorization".to_owned()))?;
        headers.insert(AUTHORIZATION, value);
    }
    for (name, value) in &settings.headers {
        let wrong = || FeedError::Header(name.clone());
        let value = sensitive(value.expose_secret()).ok_or_else(wrong)?;
        let parsed = HeaderName::try_from(name).map_err(|_| wrong())?;
        if RESERVED_HEADERS.contains(&parsed.as_str()) {
            return Err(FeedError::OwnHeader(name.clone()));
        }
        headers.insert(parsed, value);
    }
    // Fails only for a URL without a host.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    Ok((url, headers))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn authorization(settings: &Settings, url: &Url) -> Option<String> {
    let token = settings.token.expose_secret();
    if !token.is_empty() {
        return Some(format!("Bearer {token}"));
    }
    let mut pair = Vec::new();
    if !settings.username.is_empty() {
        pair.extend_from_slice(settings.username.as_bytes());
        pair.push(b':');
        pair.extend_from_slice(settings.password.expose_secret().as_bytes());
    } else if !url.username().is_empty() || url.password().is_some() {
        pair.extend(percent_decode_str(url.username()));
        pair.push(b':');
        pair.extend(percent_decode_str(url.password().unwrap_or_default()));
    } else {
        return None;
    }
    Some(format!("Basic {}", STANDARD.encode(pair)))
}

/// Requests a WebSocket over `connection`. The bytes after the server's answer remain in the
/// returned reader.
pub(super) async fn shake(
    connection: AnyConnection,
    url: &Url,
    headers: &HeaderMap,
) -> Result<BufReader<AnyConnection>, Failure> {
    let mut request = url.as_str().into_client_request().map_err(describe)?;
    for (name, value) in headers {
        request.headers_mut().insert(name, value.clone());
    }
    let expected = Expected::of(&request);
    let (bytes, _) = generate_request(request).map_err(describe)?;
    let broke = |error: std::io::Error| {
        let tls = tls::describe(&error, Some("feed.ca_file"));
        Failure::from(tls.unwrap_or_else(|| error.to_string()))
    };
    let mut connection = BufReader::new(connection);
    connection.write_all(&bytes).await.map_err(broke)?;
    connection.flush().await.map_err(broke)?;
    let head = match head::read(&mut connection).await {
        Ok(head) => head,
        Err(head::HeadError::Io(error)) => return Err(broke(error)),
        Err(error) => return Err(Failure::from(not_http(&error.to_string(), url))),
    };
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        let said = head::body_excerpt(&mut connection).await;
        return Err(refusal(&head, &said, url));
    }
    expected
        .check(&head)
        .map_err(|why| Failure::from(format!("the server breaks the WebSocket protocol: {why}")))?;
    Ok(connection)
}

fn describe(error: impl std::fmt::Display) -> Failure {
    Failure::from(error.to_string())
}

fn not_http(error: &str, url: &Url) -> String {
    let hint = match url.scheme() {
        "ws" => "; for a server with TLS, use wss:// in feed.url",
        _ => "",
    };
    format!("{error}{hint}")
}

/// The expectations of an answer.
struct Expected {
    accept: String,
    protocols: Vec<String>,
}

impl Expected {
    fn of(request: &Request<()>) -> Self {
        let key = request.headers().get(SEC_WEBSOCKET_KEY);
        let protocols = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
        let protocols = protocols
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .map(|one| one.trim().to_owned());
        Self {
            accept: derive_accept_key(key.map_or(b"", |key| key.as_bytes())),
            protocols: protocols.collect(),
        }
    }

    /// Checks the server's handshake (RFC 6455, 4.1). `Connection` and `Upgrade` are lists (RFC 9110,
    /// 7.6.1 and 7.8).
    fn check(&self, head: &Head) -> Result<(), &'static str> {
        if !head.has_token(UPGRADE, "websocket") {
            return Err(
                "its answer does not upgrade to a WebSocket (Upgrade: websocket is missing)",
            );
        }
        if !head.has_token(CONNECTION, "upgrade") {
            return Err(
                "its answer does not upgrade the connection (Connection: upgrade is missing)",
            );
        }
        let accept = head.text(SEC_WEBSOCKET_ACCEPT).map(str::trim);
        if accept != Some(&self.accept) {
            return Err(
                "Sec-WebSocket-Accept does not match the request's key; did a cache answer?",
            );
        }
        match (head.text(SEC_WEBSOCKET_PROTOCOL), self.protocols.is_empty()) {
            (None, true) => Ok(()),
            (Some(one), false) if self.protocols.iter().any(|asked| asked == one.trim()) => Ok(()),
            (Some(_), true) => Err("it chose a subprotocol, but none was requested"),
            (Some(_), false) => Err("it chose a subprotocol that was not requested"),
            (None, false) => Err("it chose none of the subprotocols that feed.headers requests"),
        }
    }
}

/// Describes an answer that is not a WebSocket.
fn refusal(head: &Head, said: &str, url: &Url) -> Failure {
    let status = head.status;
    let retry_after = match status.as_u16() {
        429 | 503 => head
            .text(RETRY_AFTER)
            .and_then(|text| retry_after_delay(text, SystemTime::now())),
        _ => None,
    };
    let hint = match (status.as_u16(), retry_after) {
        (401 | 403, _) => "; check feed.token, or feed.username and feed.password".to_owned(),
        (404, _) => "; check the path in feed.url".to_owned(),
        (407, _) => "; there is a proxy that feed.proxy does not name".to_owned(),
        (426, _) => version(head),
        (300..=399, _) => redirect(head, url),
        (429 | 503, Some(retry_after)) => {
            let bounded = if retry_after > MAX_RETRY_AFTER {
                format!(
                    ", of which {} are respected",
                    duration(MAX_RETRY_AFTER.as_millis() as i64)
                )
            } else {
                String::new()
            };
            format!(
                "; it asks to wait {}{bounded}",
                duration(retry_after.as_millis() as i64)
            )
        }
        (200..=299, _) => "; that is not a WebSocket: check feed.url".to_owned(),
        _ => String::new(),
    };
    let said = match said {
        "" => String::new(),
        said => format!("; it says “{said}”"),
    };
    Failure {
        why: format!("the server answers {status}{hint}{said}"),
        retry_after: retry_after.map(|retry_after| retry_after.min(MAX_RETRY_AFTER)),
        may_be_id: may_be_query(status),
    }
}

/// Whether the query of the request can be the cause of this status: the request is invalid, or the
/// server fails on it. Excludes statuses about the client, its rate or the time.
fn may_be_query(status: StatusCode) -> bool {
    let is_about_client = matches!(
        status.as_u16(),
        401 | 403 | 407 | 408 | 421 | 425 | 426 | 429
    );
    matches!(status.as_u16(), 400..=500) && !is_about_client
}

fn redirect(head: &Head, url: &Url) -> String {
    let target = head.headers.get(LOCATION).map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let whole = url
            .join(&text)
            .map_or_else(|_| text.into_owned(), Into::into);
        format!(" to {}", excerpt(&masked(&whole), 200))
    });
    let target = target.unwrap_or_default();
    format!("; it redirects{target}, which is not followed: write the final address in feed.url")
}

fn version(head: &Head) -> String {
    match head.text(SEC_WEBSOCKET_VERSION) {
        Some(version) if version.trim() != "13" => {
            let version = excerpt(version, 40);
            format!(
                "; it requires version {version} of the WebSocket protocol; only 13 is supported"
            )
        }
        _ => "; check that proxies in front of it allow WebSockets".to_owned(),
    }
}
