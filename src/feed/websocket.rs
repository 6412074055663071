//! The feed over WebSocket: it connects, resumes, acknowledges, and mends itself for ever.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
};

use crate::amplitude::byte_order_mark;
use crate::amplitude::{frame, time};
use crate::config;

use super::{Feed, FeedState, Link, MessageId};

/// Acknowledgements go out this often: each one covers all before it.
const ACKNOWLEDGE_EVERY: Duration = Duration::from_secs(1);
/// A connection that lasted this long was sound: the next one is tried at once again.
const SOUND_AFTER: Duration = Duration::from_secs(30);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a feed can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The URL can't be connected to.
    #[error("feed.url: {0:?} is no WebSocket address: {1}")]
    Url(String, String),
    /// A header can't be sent.
    #[error(
        "feed.headers: {0:?} is no HTTP header, or its value holds a character that none can carry"
    )]
    Header(String),
    /// A certificate or key can't be used.
    #[error("{setting}: {path}: {message}")]
    Tls {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: String,
        /// What is wrong with it.
        message: String,
    },
}

/// A subscription to a WebSocket.
#[derive(Debug)]
pub struct WebSocketFeed {
    settings: config::Feed,
    request: Request,
    tls: Arc<rustls::ClientConfig>,
}

impl WebSocketFeed {
    /// Prepares a subscription; nothing is connected yet.
    pub fn new(settings: config::Feed) -> Result<Self, FeedError> {
        let request = request(&settings)?;
        let tls = Arc::new(tls(&settings)?);
        Ok(Self {
            settings,
            request,
            tls,
        })
    }

    async fn connect(&self, last_received: Option<&MessageId>) -> Result<Socket, String> {
        let mut request = self.request.clone();
        if let Some(id) = last_received.filter(|_| self.settings.resume) {
            *request.uri_mut() = resuming(&self.settings.url, id)?;
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(self.settings.max_frame_bytes))
            .max_frame_size(Some(self.settings.max_frame_bytes));
        let connector = Connector::Rustls(self.tls.clone());
        let connecting =
            connect_async_tls_with_config(request, Some(config), true, Some(connector));
        let mut socket = match timeout(self.settings.connect_timeout, connecting).await {
            Ok(Ok((socket, _))) => socket,
            Ok(Err(error)) => return Err(in_words(&error, &self.settings)),
            Err(_) => {
                return Err(format!(
                    "no connection within {:?}",
                    self.settings.connect_timeout
                ));
            }
        };
        if !self.settings.initial_message.is_empty() {
            let hello = Message::text(self.settings.initial_message.clone());
            socket
                .send(hello)
                .await
                .map_err(|e| in_words(&e, &self.settings))?;
        }
        Ok(socket)
    }

    async fn keep_running(self, mut link: Link) {
        let mut failures = 0_u32;
        loop {
            let last = link.last_received.borrow().clone();
            let started = Instant::now();
            let why = match self.connect(last.as_ref()).await {
                Ok(socket) => {
                    link.status.send_modify(|s| {
                        s.connects += 1;
                        s.state = FeedState::Live;
                    });
                    tracing::info!(url = self.settings.url, "feed is live");
                    match self.receive(socket, &mut link, last.is_some()).await {
                        Ended::Broken(why) => why,
                        Ended::Unwanted => return,
                    }
                }
                Err(why) => why,
            };
            failures = if started.elapsed() > SOUND_AFTER {
                0
            } else {
                failures + 1
            };
            let wait = self.wait(failures, rand::random());
            tracing::warn!(
                url = self.settings.url,
                "feed is down: {why}; trying again in {wait:.1?}"
            );
            let next_ms = time::now() + wait.as_millis() as i64;
            link.status.send_modify(|s| {
                s.state = FeedState::Down { why, next_ms };
                s.blocked_since_ms = None;
            });
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = link.frames.closed() => return,
            }
        }
    }

    /// Exponential with full jitter, so that a thousand clients of a server that comes back
    /// don't come back with it all at once.
    fn wait(&self, failures: u32, random: f64) -> Duration {
        let most = self.settings.reconnect_max.as_secs_f64();
        let least = self.settings.reconnect_min.as_secs_f64();
        let full = (least * 2_f64.powi(failures.min(30) as i32)).min(most);
        Duration::from_secs_f64((full * random).max(least.min(most)))
    }

    async fn receive(&self, socket: Socket, link: &mut Link, restarted: bool) -> Ended {
        let (mut sink, mut stream) = socket.split();
        let mut ping =
            tokio::time::interval(self.settings.ping_interval.max(Duration::from_millis(10)));
        ping.reset();
        let mut acknowledge = tokio::time::interval(ACKNOWLEDGE_EVERY);
        let mut heard = Instant::now();
        // After a restart too, where the spool knows how far an earlier run came.
        let mut resumed = restarted || link.status.borrow().connects > 1;
        let patience = self.settings.ping_interval + self.settings.ping_timeout;
        loop {
            let message = tokio::select! {
                message = stream.next() => message,
                _ = ping.tick() => {
                    if heard.elapsed() > patience {
                        return Ended::Broken(format!("nothing heard for {patience:.0?}, not even an answer to a ping"));
                    }
                    let text = &self.settings.ping_text;
                    let ping = if text.is_empty() { Message::Ping(bytes::Bytes::new()) } else { Message::text(text.clone()) };
                    if let Err(error) = sink.send(ping).await {
                        return Ended::Broken(in_words(&error, &self.settings));
                    }
                    continue;
                }
                _ = acknowledge.tick(), if self.settings.acknowledge => {
                    if let Err(error) = tell_safe(&mut sink, link).await {
                        return Ended::Broken(in_words(&error, &self.settings));
                    }
                    continue;
                }
                () = link.frames.closed() => {
                    // Politeness only: the peer sees the end of the connection either way.
                    if self.settings.acknowledge {
                        let _ = tell_safe(&mut sink, link).await;
                    }
                    let _ = timeout(Duration::from_secs(1), sink.send(Message::Close(None))).await;
                    return Ended::Unwanted;
                }
            };
            heard = Instant::now();
            let text = match message {
                None => {
                    return Ended::Broken(
                        "the server ended the connection without a word".to_owned(),
                    );
                }
                Some(Err(error)) => return Ended::Broken(in_words(&error, &self.settings)),
                Some(Ok(Message::Close(frame))) => {
                    return Ended::Broken(close_in_words(frame.as_ref()));
                }
                Some(Ok(Message::Text(text))) if text.as_str() == self.settings.pong_text => {
                    continue;
                }
                Some(Ok(Message::Text(text))) => text_of(&text.into()),
                Some(Ok(Message::Binary(bytes))) => text_of(&bytes),
                Some(Ok(_)) => continue,
            };
            if link
                .hand_over(text, std::mem::take(&mut resumed))
                .await
                .is_err()
            {
                return Ended::Unwanted;
            }
            heard = Instant::now();
        }
    }
}

impl Feed for WebSocketFeed {
    fn run(self: Box<Self>, link: Link) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.keep_running(link))
    }

    fn name(&self) -> String {
        self.settings.url.clone()
    }
}

/// How a connection ended.
enum Ended {
    /// It broke, for this reason.
    Broken(String),
    /// Nobody takes frames any more.
    Unwanted,
}

fn text_of(bytes: &bytes::Bytes) -> Result<ByteString, crate::amplitude::Malformed> {
    ByteString::try_from(bytes.clone()).map_err(|error| frame::not_utf8(bytes, &error))
}

async fn tell_safe<S: SinkExt<Message, Error = WsError> + Unpin>(
    sink: &mut S,
    link: &mut Link,
) -> Result<(), WsError> {
    if !link.safe.has_changed().unwrap_or(false) {
        return Ok(());
    }
    let id = link.safe.borrow_and_update().clone();
    match id {
        Some(id) => {
            sink.send(Message::text(
                serde_json::json!({ "message_id": &*id }).to_string(),
            ))
            .await
        }
        None => Ok(()),
    }
}

fn request(settings: &config::Feed) -> Result<Request, FeedError> {
    let mut request = settings
        .url
        .as_str()
        .into_client_request()
        .map_err(|e| FeedError::Url(settings.url.clone(), e.to_string()))?;
    let token = settings.token.expose_secret();
    let authorization = if !token.is_empty() {
        Some(format!("Bearer {token}"))
    } else if !settings.username.is_empty() {
        let pair = format!(
            "{}:{}",
            settings.username,
            settings.password.expose_secret()
        );
        let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pair);
        Some(format!("Basic {basic}"))
    } else {
        None
    };
    let headers = request.headers_mut();
    if let Some(text) = authorization {
        let mut value = HeaderValue::try_from(text)
            .map_err(|_| FeedError::Header("Authorization".to_owned()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    for (name, value) in &settings.headers {
        let wrong = || FeedError::Header(name.clone());
        let value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        headers.insert(HeaderName::try_from(name).map_err(|_| wrong())?, value);
    }
    Ok(request)
}

/// The URL with `last_received` in its query, in place of one that is there already.
fn resuming(url: &str, id: &str) -> Result<tokio_tungstenite::tungstenite::http::Uri, String> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    // A request line has a path, whether the address names one or not.
    let host = base.split_once("://").map_or(base, |(_, rest)| rest);
    let path = if host.contains('/') { "" } else { "/" };
    let id =
        percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string();
    let others = query
        .split('&')
        .filter(|part| !part.is_empty() && !part.starts_with("last_received="));
    let parts: Vec<String> = others
        .map(str::to_owned)
        .chain([format!("last_received={id}")])
        .collect();
    format!("{base}{path}?{}", parts.join("&"))
        .parse()
        .map_err(|_| format!("{url} can't carry last_received"))
}

fn tls(settings: &config::Feed) -> Result<rustls::ClientConfig, FeedError> {
    let mut roots = rustls::RootCertStore::empty();
    // A system without roots is told of when wss:// fails, by the name of the certificate.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in certificates("feed.ca_file", &settings.ca_file)? {
        let wrong = |e: rustls::Error| file_error("feed.ca_file", &settings.ca_file, &e);
        roots.add(certificate).map_err(wrong)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| file_error("feed.url", &settings.url, &e))?
        .with_root_certificates(roots);
    if settings.client_cert_file.is_empty() {
        return Ok(builder.with_no_client_auth());
    }
    let chain = certificates("feed.client_cert_file", &settings.client_cert_file)?;
    let key_file = &settings.client_key_file;
    let pem = pem("feed.client_key_file", key_file)?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|e| file_error("feed.client_key_file", key_file, &e))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|e| file_error("feed.client_key_file", key_file, &e))
}

fn certificates(
    setting: &'static str,
    path: &str,
) -> Result<Vec<CertificateDer<'static>>, FeedError> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let pem = pem(setting, path)?;
    let all = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    all.map_err(|error| file_error(setting, path, &error))
}

/// What a file in PEM holds. Its parser does not know a section behind a byte order mark.
fn pem(setting: &'static str, path: &str) -> Result<Vec<u8>, FeedError> {
    let bytes = std::fs::read(path).map_err(|error| file_error(setting, path, &error))?;
    Ok(byte_order_mark::without_bytes(&bytes).to_vec())
}

fn file_error(setting: &'static str, path: &str, error: &dyn std::fmt::Display) -> FeedError {
    FeedError::Tls {
        setting,
        path: path.to_owned(),
        message: error.to_string(),
    }
}

fn in_words(error: &WsError, settings: &config::Feed) -> String {
    match error {
        WsError::Http(response) => {
            let status = response.status();
            let hint = match status.as_u16() {
                401 | 403 => "; check feed.token, or feed.username and feed.password",
                404 => "; check the path in feed.url",
                300..=399 => "; the server redirects: write the final address in feed.url",
                _ => "",
            };
            format!("the server answers {status}{hint}")
        }
        WsError::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            format!("a frame of {size} bytes is over feed.max_frame_bytes = {max_size}")
        }
        WsError::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            format!("connection refused: nothing listens at {}", settings.url)
        }
        WsError::Io(error) => {
            let text = error.to_string();
            match text.strip_prefix("failed to lookup address information: ") {
                Some(why) => format!("no such host: {why}"),
                None => text,
            }
        }
        WsError::Protocol(error) => format!("the server breaks the WebSocket protocol: {error}"),
        other => other.to_string(),
    }
}

/// RFC 6455, 7.4.1, in words.
fn close_in_words(frame: Option<&CloseFrame>) -> String {
    let Some(frame) = frame else {
        return "the server closed the connection without a reason".to_owned();
    };
    let code = u16::from(frame.code);
    let meaning = match code {
        1000 => "it is done",
        1001 => "it is going away",
        1002 => "it sees a protocol error",
        1003 => "it can't take this kind of data",
        1007 => "it received text that is no UTF-8",
        1008 => "a policy forbids it",
        1009 => "a message was too large for it",
        1010 => "it misses an extension",
        1011 => "it failed inside",
        1012 => "it restarts",
        1013 => "it is overloaded, try later",
        1014 => "its gateway failed",
        _ => "for a reason of its own",
    };
    let said = if frame.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", frame.reason)
    };
    format!("the server closed the connection, {meaning} ({code}{said})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_with_full_jitter_and_stays_between_its_bounds() {
        let settings = config::Feed {
            url: "ws://localhost".to_owned(),
            ..config::Feed::default()
        };
        let feed = WebSocketFeed::new(settings).unwrap();
        let ms = |failures, random| feed.wait(failures, random).as_millis();
        assert_eq!(ms(1, 1.0), 500);
        assert_eq!(ms(3, 0.5), 1_000);
        assert_eq!(ms(99, 1.0), 30_000);
        assert_eq!(ms(99, 0.0), 250);
    }

    #[test]
    fn resuming_keeps_the_rest_of_the_query() {
        let uri = |url| resuming(url, "0197-a").unwrap().to_string();
        assert_eq!(uri("ws://h/feed"), "ws://h/feed?last_received=0197%2Da");
        assert_eq!(uri("ws://h:1"), "ws://h:1/?last_received=0197%2Da");
        assert_eq!(
            uri("ws://h/feed?types=a&last_received="),
            "ws://h/feed?types=a&last_received=0197%2Da"
        );
    }

    #[test]
    fn wrong_settings_name_themselves() {
        let with = |change: fn(&mut config::Feed)| {
            let mut settings = config::Feed {
                url: "ws://localhost".to_owned(),
                ..config::Feed::default()
            };
            change(&mut settings);
            WebSocketFeed::new(settings)
                .map(|_| ())
                .unwrap_err()
                .to_string()
        };
        assert!(with(|s| s.url = "ws://".to_owned()).starts_with("feed.url"));
        assert!(
            with(|s| _ = s.headers.insert("a b".to_owned(), String::new()))
                .starts_with("feed.headers: \"a b\"")
        );
        assert!(with(|s| s.ca_file = "/nowhere".to_owned()).starts_with("feed.ca_file: /nowhere"));
    }
}
