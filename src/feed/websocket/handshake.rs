//! The opening handshake: the request that asks for a WebSocket, and whether the answer is one.
//! RFC 6455, 4.

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

/// No server keeps us away for longer than this: a typo in its proxy must not stop the feed for
/// hours.
const LONGEST_QUIET: Duration = Duration::from_secs(300);
/// Headers that the handshake writes itself, and whose values can't be chosen.
const OWN: [&str; 7] = [
    "connection",
    "content-length",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
];

/// The feed's address without what stands in headers, and those headers.
pub(super) fn prepare(settings: &Settings) -> Result<(Url, HeaderMap), FeedError> {
    let wrong = |message: String| FeedError::Url(settings.url.to_string(), message);
    let mut url = settings
        .url
        .url()
        .map_err(|error| wrong(error.to_string()))?
        .clone();
    if !matches!(url.scheme(), "ws" | "wss") {
        return Err(wrong("is no WebSocket; write ws://… or wss://…".to_owned()));
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
        if OWN.contains(&parsed.as_str()) {
            return Err(FeedError::OwnHeader(name.clone()));
        }
        headers.insert(parsed, value);
    }
    // It fails only for addresses without a host, which this one has.
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

/// Asks for a WebSocket over `connection`. What the server sent behind its answer is still to be
/// read from what is given back.
pub(super) async fn shake(
    connection: AnyConnection,
    url: &Url,
    headers: &HeaderMap,
) -> Result<BufReader<AnyConnection>, Failure> {
    let mut request = url.as_str().into_client_request().map_err(in_words)?;
    for (name, value) in headers {
        request.headers_mut().insert(name, value.clone());
    }
    let asked = Asked::of(&request);
    let (bytes, _) = generate_request(request).map_err(in_words)?;
    let broke = |error: std::io::Error| {
        let tls = tls::in_words(&error, Some("feed.ca_file"));
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
    asked
        .check(&head)
        .map_err(|why| Failure::from(format!("the server breaks the WebSocket protocol: {why}")))?;
    Ok(connection)
}

fn in_words(error: impl std::fmt::Display) -> Failure {
    Failure::from(error.to_string())
}

fn not_http(error: &str, url: &Url) -> String {
    let hint = match url.scheme() {
        "ws" => "; a server that speaks TLS wants wss:// in feed.url",
        _ => "",
    };
    format!("{error}{hint}")
}

/// What an answer is measured by.
struct Asked {
    accept: String,
    protocols: Vec<String>,
}

impl Asked {
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

    /// RFC 6455, 4.1, of the server's handshake. `Connection` and `Upgrade` are lists: RFC 9110,
    /// 7.6.1 and 7.8.
    fn check(&self, head: &Head) -> Result<(), &'static str> {
        if !head.has_token(UPGRADE, "websocket") {
            return Err("its answer upgrades to no WebSocket (Upgrade: websocket is missing)");
        }
        if !head.has_token(CONNECTION, "upgrade") {
            return Err(
                "its answer does not upgrade the connection (Connection: upgrade is missing)",
            );
        }
        let accept = head.text(SEC_WEBSOCKET_ACCEPT).map(str::trim);
        if accept != Some(&self.accept) {
            return Err(
                "Sec-WebSocket-Accept is not the answer to this request's key; does a cache answer?",
            );
        }
        match (head.text(SEC_WEBSOCKET_PROTOCOL), self.protocols.is_empty()) {
            (None, true) => Ok(()),
            (Some(one), false) if self.protocols.iter().any(|asked| asked == one.trim()) => Ok(()),
            (Some(_), true) => Err("it chose a subprotocol, and none was asked for"),
            (Some(_), false) => Err("it chose a subprotocol that was not asked for"),
            (None, false) => Err("it chose none of the subprotocols that feed.headers asks for"),
        }
    }
}

/// An answer that opens no WebSocket, in words.
fn refusal(head: &Head, said: &str, url: &Url) -> Failure {
    let status = head.status;
    let quiet = match status.as_u16() {
        429 | 503 => head
            .text(RETRY_AFTER)
            .and_then(|text| retry_after_delay(text, SystemTime::now())),
        _ => None,
    };
    let hint = match (status.as_u16(), quiet) {
        (401 | 403, _) => "; check feed.token, or feed.username and feed.password".to_owned(),
        (404, _) => "; check the path in feed.url".to_owned(),
        (407, _) => "; a proxy is in the way that feed.proxy does not name".to_owned(),
        (426, _) => version(head),
        (300..=399, _) => redirect(head, url),
        (429 | 503, Some(quiet)) => {
            let bounded = if quiet > LONGEST_QUIET {
                format!(
                    ", of which {} are kept",
                    duration(LONGEST_QUIET.as_millis() as i64)
                )
            } else {
                String::new()
            };
            format!(
                "; it asks for {} of quiet{bounded}",
                duration(quiet.as_millis() as i64)
            )
        }
        (200..=299, _) => "; that is no WebSocket: check feed.url".to_owned(),
        _ => String::new(),
    };
    let said = match said {
        "" => String::new(),
        said => format!("; it says “{said}”"),
    };
    Failure {
        why: format!("the server answers {status}{hint}{said}"),
        quiet: quiet.map(|quiet| quiet.min(LONGEST_QUIET)),
        may_be_id: may_be_query(status),
    }
}

/// Whether a server can answer so for what stands in the query: the request is wrong, or too much
/// for the server. Not where the status says that who asks, how often or when is the cause.
fn may_be_query(status: StatusCode) -> bool {
    let is_about_us = matches!(
        status.as_u16(),
        401 | 403 | 407 | 408 | 421 | 425 | 426 | 429
    );
    matches!(status.as_u16(), 400..=500) && !is_about_us
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
    format!("; it redirects{target}, and that is not followed: write the final address in feed.url")
}

fn version(head: &Head) -> String {
    match head.text(SEC_WEBSOCKET_VERSION) {
        Some(version) if version.trim() != "13" => {
            let version = excerpt(version, 40);
            format!(
                "; it speaks version {version} of the WebSocket protocol, and 13 is what is supported"
            )
        }
        _ => "; does what stands in front of it let WebSockets through?".to_owned(),
    }
}
