//! The feed over WebSocket: it connects, resumes, acknowledges, and mends itself for ever.
//!
//! [`connect`] makes the connection, past a proxy where one is in the way; [`handshake`] asks for
//! a WebSocket over it. What ends one is told by [`words`].

mod connect;
mod handshake;
mod tls;
mod words;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytestring::ByteString;
use futures_util::{SinkExt, StreamExt};
use http::HeaderMap;
use tokio::io::BufReader;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use url::Url;

use crate::amplitude::{frame, time};
use crate::config;
use crate::network::dial::Dialer;
use crate::network::{AnyConnection, Proxy, ProxyError};

use super::{Feed, FeedState, Link, MessageId};
use connect::Connector;
use words::{close_in_words, in_words};

/// Acknowledgements go out this often: each one covers all before it.
const ACKNOWLEDGE_EVERY: Duration = Duration::from_secs(1);
/// A connection that lasted this long was sound: the next one is tried at once again.
const SOUND_AFTER: Duration = Duration::from_secs(30);
/// Between two attempts there is at least this time, whatever the settings say.
const LEAST_WAIT: Duration = Duration::from_millis(50);
/// Of a time that the server asked for, so much is added at random: its clients come back one by
/// one.
const QUIET_JITTER: f64 = 0.1;

type Socket = WebSocketStream<BufReader<AnyConnection>>;

/// Why a feed can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The URL can't be connected to. It is shown without its secrets.
    #[error("feed.url: {0:?} {1}")]
    Url(String, String),
    /// A header can't be sent.
    #[error(
        "feed.headers: {0:?} is no HTTP header, or its value holds a character that none can carry"
    )]
    Header(String),
    /// A header is the handshake's own.
    #[error("feed.headers: {0:?} is written by the handshake itself; leave it out")]
    OwnHeader(String),
    /// The proxy in the way can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// TLS can't be set up.
    #[error("TLS can't be set up: {0}")]
    TlsVersions(String),
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
    url: Url,
    headers: HeaderMap,
    connector: Connector,
}

/// Why there is no WebSocket, or why there is none any more.
struct Failure {
    why: String,
    /// How long the server asks to be left alone.
    quiet: Option<Duration>,
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self { why, quiet: None }
    }
}

impl WebSocketFeed {
    /// Prepares a subscription; nothing is connected yet.
    pub fn new(settings: config::Feed) -> Result<Self, FeedError> {
        Self::with_dialer(settings, Dialer::default())
    }

    /// The same, connected by `dialer`.
    pub fn with_dialer(settings: config::Feed, dialer: Dialer) -> Result<Self, FeedError> {
        let (url, headers) = handshake::prepare(&settings)?;
        let connector = Connector::new(&settings, &url, dialer)?;
        Ok(Self {
            settings,
            url,
            headers,
            connector,
        })
    }

    /// The proxy in the way to the server.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.connector.proxy()
    }

    async fn connect(&self, last_received: Option<&MessageId>) -> Result<Socket, Failure> {
        let limit = self.settings.connect_timeout;
        match timeout(limit, self.open(last_received)).await {
            Ok(opened) => opened,
            Err(_) => Err(Failure::from(format!("no connection within {limit:?}"))),
        }
    }

    async fn open(&self, last_received: Option<&MessageId>) -> Result<Socket, Failure> {
        let connection = self.connector.connect().await?;
        let url = match last_received.filter(|_| self.settings.resume) {
            Some(id) => &resuming(&self.url, id),
            None => &self.url,
        };
        let connection = handshake::shake(connection, url, &self.headers).await?;
        let most = Some(self.settings.max_frame_bytes);
        let config = WebSocketConfig::default()
            .max_message_size(most)
            .max_frame_size(most);
        let mut socket =
            WebSocketStream::from_raw_socket(connection, Role::Client, Some(config)).await;
        if !self.settings.initial_message.is_empty() {
            let hello = Message::text(self.settings.initial_message.clone());
            let sent = socket.send(hello).await;
            sent.map_err(|error| Failure::from(self.in_words(&error)))?;
        }
        Ok(socket)
    }

    fn in_words(&self, error: &WsError) -> String {
        in_words(error, self.settings.max_frame_bytes)
    }

    async fn keep_running(self, mut link: Link) {
        let mut failures = 0_u32;
        loop {
            let last = link.last_received.borrow().clone();
            let started = Instant::now();
            let failure = match self.connect(last.as_ref()).await {
                Ok(socket) => {
                    link.status.send_modify(|s| {
                        s.connects += 1;
                        s.state = FeedState::Live;
                    });
                    tracing::info!(url = %self.settings.url, "feed is live{}", self.past());
                    match self.receive(socket, &mut link, last.is_some()).await {
                        Ended::Broken(why) => Failure::from(why),
                        Ended::Unwanted => return,
                    }
                }
                Err(failure) => failure,
            };
            failures = if started.elapsed() > SOUND_AFTER {
                0
            } else {
                failures + 1
            };
            let wait = self.wait(failures, failure.quiet, rand::random());
            let why = match self.proxy() {
                Some(proxy) => format!("through the proxy {proxy}: {}", failure.why),
                None => failure.why,
            };
            tracing::warn!(
                url = %self.settings.url,
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

    /// `, through the proxy …`, where one is in the way.
    fn past(&self) -> String {
        let proxy = self.proxy();
        proxy.map_or_else(String::new, |proxy| format!(", through the proxy {proxy}"))
    }

    /// Exponential with full jitter, so that a thousand clients of a server that comes back
    /// don't come back with it all at once; never before the server wants us back.
    fn wait(&self, failures: u32, quiet: Option<Duration>, random: f64) -> Duration {
        let most = self.settings.reconnect_max.max(LEAST_WAIT).as_secs_f64();
        let least = self.settings.reconnect_min.max(LEAST_WAIT).as_secs_f64();
        let full = (least * 2_f64.powi(failures.min(30) as i32)).min(most);
        let own = Duration::from_secs_f64((full * random).max(least.min(most)));
        let quiet = quiet.map(|quiet| quiet.mul_f64(1.0 + QUIET_JITTER * random));
        own.max(quiet.unwrap_or_default())
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
                        return Ended::Broken(self.in_words(&error));
                    }
                    continue;
                }
                _ = acknowledge.tick(), if self.settings.acknowledge => {
                    if let Err(error) = tell_safe(&mut sink, link).await {
                        return Ended::Broken(self.in_words(&error));
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
                Some(Err(error)) => return Ended::Broken(self.in_words(&error)),
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
        self.settings.url.to_string()
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

/// The URL with `last_received` in its query, in place of one that is there already.
fn resuming(url: &Url, id: &str) -> Url {
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    let others = url.query().unwrap_or_default().split('&');
    let others = others.filter(|part| !part.is_empty() && !part.starts_with("last_received="));
    let parts: Vec<String> = others
        .map(str::to_owned)
        .chain([format!("last_received={id}")])
        .collect();
    let mut url = url.clone();
    url.set_query(Some(&parts.join("&")));
    url
}

#[cfg(test)]
mod tests;
