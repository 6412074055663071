//! The feed over WebSocket: it connects, resumes, acknowledges, and mends itself for ever.
//!
//! [`connect`] makes the connection, past a proxy where one is in the way; [`handshake`] asks for
//! a WebSocket over it. [`frames`] keeps a message that can't be taken from ending the connection,
//! and [`resume_point`] keeps an id that the server can't be asked for from ending the feed. [`words`]
//! tells how a connection ended.

mod connect;
mod error;
mod frames;
mod handshake;
mod messages;
mod resume_point;
mod tls;
mod words;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::HeaderMap;
use tokio::io::BufReader;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use url::Url;

use crate::amplitude::time;
use crate::network::dial::Dialer;
use crate::network::{AnyConnection, Proxy};

use super::channel::FeedChannel;
use super::message_id::{MessageId, is_message_id};
use super::settings::Settings;
use super::source::Feed;
use super::status::FeedState;
pub use error::FeedError;

use connect::Connector;
use error::Failure;
use frames::{FrameReader, Seen};
use messages::Messages;
use resume_point::{NextConnection, ResumePoint};
use words::{ENDED_SILENTLY, close_in_words, in_words};

/// Acknowledgements go out this often: each one covers all before it.
const ACKNOWLEDGE_EVERY: Duration = Duration::from_secs(1);
/// A connection that lasted this long was sound: the next one is tried at once again.
const SOUND_AFTER: Duration = Duration::from_secs(30);
/// Between two attempts there is at least this time, whatever the settings say.
const LEAST_WAIT: Duration = Duration::from_millis(50);
/// Of a time that the server asked for, so much is added at random: its clients come back one by
/// one.
const QUIET_JITTER: f64 = 0.1;

/// How long a connection must last without a word for the server to count as working.
const PROBE: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<FrameReader<BufReader<AnyConnection>>>;

/// A subscription to a WebSocket.
#[derive(Debug)]
pub struct WebSocketFeed {
    settings: Settings,
    url: Url,
    headers: HeaderMap,
    connector: Connector,
}

impl WebSocketFeed {
    /// Prepares a subscription; nothing is connected yet.
    pub fn new(settings: Settings) -> Result<Self, FeedError> {
        Self::with_dialer(settings, Dialer::default())
    }

    /// The same, connected by `dialer`.
    pub fn with_dialer(settings: Settings, dialer: Dialer) -> Result<Self, FeedError> {
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

    async fn connect(&self, behind: Option<&MessageId>) -> Result<(Socket, Arc<Seen>), Failure> {
        let limit = self.settings.connect_timeout;
        match timeout(limit, self.open(behind)).await {
            Ok(opened) => opened,
            Err(_) => Err(Failure::from(format!("no connection within {limit:?}"))),
        }
    }

    async fn open(&self, behind: Option<&MessageId>) -> Result<(Socket, Arc<Seen>), Failure> {
        let connection = self.connector.connect().await?;
        let url = match behind {
            Some(id) => &resuming(&self.url, id),
            None => &self.url,
        };
        let connection = handshake::shake(connection, url, &self.headers).await?;
        let most = self.settings.max_frame_bytes;
        let connection = FrameReader::new(connection, most);
        let seen = connection.seen();
        let config = WebSocketConfig::default()
            .max_message_size(Some(most))
            .max_frame_size(Some(most));
        let mut socket =
            WebSocketStream::from_raw_socket(connection, Role::Client, Some(config)).await;
        if !self.settings.initial_message.is_empty() {
            let hello = Message::text(self.settings.initial_message.clone());
            let sent = socket.send(hello).await;
            sent.map_err(|error| Failure::from(in_words(&error)))?;
        }
        Ok((socket, seen))
    }

    async fn keep_running(self, mut channel: FeedChannel) {
        let mut failures = 0_u32;
        let mut resume_point = ResumePoint::default();
        loop {
            let last = channel.last_received.borrow().clone();
            let was_received = last.is_some();
            let asked = last.filter(|id| self.settings.resume && is_message_id(id));
            let started = Instant::now();
            let failure = match resume_point.next(asked) {
                NextConnection::Probe => match self.probe().await {
                    Ok(()) => {
                        resume_point.probed(true);
                        continue;
                    }
                    Err(failure) => {
                        resume_point.probed(false);
                        failure
                    }
                },
                NextConnection::Receive(behind) => {
                    let ended = match self.connect(behind.as_ref()).await {
                        Ok(connection) => {
                            self.tell_live(&channel);
                            self.receive(connection, &mut channel, was_received).await
                        }
                        Err(failure) => Ended::Broken(failure),
                    };
                    let Ended::Broken(failure) = ended else {
                        return;
                    };
                    if let Some(id) = resume_point.failed(failure.may_be_id) {
                        give_up(&id, &failure.why, &channel);
                        continue;
                    }
                    failure
                }
            };
            failures = if started.elapsed() > SOUND_AFTER {
                0
            } else {
                failures + 1
            };
            let wait = self.wait(failures, failure.quiet, rand::random());
            self.tell_down(failure, wait, &channel);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = channel.frames.closed() => return,
            }
        }
    }

    /// Whether the server can be connected to without an id. Nothing that it sends is taken.
    async fn probe(&self) -> Result<(), Failure> {
        let (mut socket, _) = self.connect(None).await?;
        let message = timeout(PROBE, async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => return other,
                }
            }
        });
        let outcome = match message.await {
            Ok(None) => Err(Failure::from(ENDED_SILENTLY.to_owned())),
            Ok(Some(Err(error))) => Err(Failure::from(in_words(&error))),
            Ok(Some(Ok(Message::Close(frame)))) => {
                Err(Failure::from(close_in_words(frame.as_ref())))
            }
            Ok(Some(Ok(_))) | Err(_) => Ok(()),
        };
        // Politeness only: the peer sees the end of the connection either way.
        let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
        outcome
    }

    fn tell_live(&self, channel: &FeedChannel) {
        channel.status.send_modify(|s| {
            s.connects += 1;
            s.state = FeedState::Live;
        });
        tracing::info!(url = %self.settings.url, "feed is live{}", self.past());
    }

    fn tell_down(&self, failure: Failure, wait: Duration, channel: &FeedChannel) {
        let why = match self.proxy() {
            Some(proxy) => format!("through the proxy {proxy}: {}", failure.why),
            None => failure.why,
        };
        tracing::warn!(
            url = %self.settings.url,
            "feed is down: {why}; trying again in {wait:.1?}"
        );
        let next_ms = time::now() + wait.as_millis() as i64;
        channel.status.send_modify(|s| {
            s.state = FeedState::Down { why, next_ms };
            s.blocked_since_ms = None;
        });
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

    async fn receive(
        &self,
        (socket, seen): (Socket, Arc<Seen>),
        channel: &mut FeedChannel,
        was_received: bool,
    ) -> Ended {
        let (mut sink, mut stream) = socket.split();
        let mut ping =
            tokio::time::interval(self.settings.ping_interval.max(Duration::from_millis(10)));
        ping.reset();
        let mut acknowledge = tokio::time::interval(ACKNOWLEDGE_EVERY);
        // After a restart too, where the spool knows how far an earlier run came.
        let mut resumed = was_received || channel.status.borrow().connects > 1;
        let mut messages = Messages::new(&self.settings, seen.clone());
        let patience = self.settings.ping_interval + self.settings.ping_timeout;
        loop {
            let message = tokio::select! {
                message = stream.next() => message,
                _ = ping.tick() => {
                    if seen.silent_for() > patience {
                        return Ended::Broken(Failure::from(format!("nothing heard for {patience:.0?}, not even an answer to a ping")));
                    }
                    let text = &self.settings.ping_text;
                    let ping = if text.is_empty() { Message::Ping(bytes::Bytes::new()) } else { Message::text(text.clone()) };
                    if let Err(error) = sink.send(ping).await {
                        return Ended::Broken(in_words(&error).into());
                    }
                    continue;
                }
                _ = acknowledge.tick(), if self.settings.acknowledge => {
                    if let Err(error) = tell_safe(&mut sink, channel).await {
                        return Ended::Broken(in_words(&error).into());
                    }
                    continue;
                }
                () = channel.frames.closed() => {
                    // Politeness only: the peer sees the end of the connection either way.
                    if self.settings.acknowledge {
                        let _ = tell_safe(&mut sink, channel).await;
                    }
                    let _ = timeout(Duration::from_secs(1), sink.send(Message::Close(None))).await;
                    return Ended::Unwanted;
                }
            };
            let text = match messages.read(message) {
                Ok(Some(text)) => text,
                Ok(None) => continue,
                Err(failure) => return Ended::Broken(failure),
            };
            let resumed = std::mem::take(&mut resumed);
            if channel.send(text, resumed).await.is_err() {
                return Ended::Unwanted;
            }
            // Meanwhile nothing was read.
            seen.hear();
        }
    }
}

impl Feed for WebSocketFeed {
    fn run(self: Box<Self>, channel: FeedChannel) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.keep_running(channel))
    }

    fn name(&self) -> String {
        self.settings.url.to_string()
    }
}

/// How a connection ended.
enum Ended {
    /// It broke.
    Broken(Failure),
    /// Nobody takes frames any more.
    Unwanted,
}

/// Goes on without asking the server for `id`, which failed for this reason.
fn give_up(id: &MessageId, why: &str, channel: &FeedChannel) {
    tracing::error!(
        message_id = %id,
        "the feed goes on without the events behind this message, as far as the server kept any: \
         it can't be asked for them, and works without that: {why}"
    );
    channel.status.send_modify(|s| s.given_up += 1);
}

async fn tell_safe<S: SinkExt<Message, Error = WsError> + Unpin>(
    sink: &mut S,
    channel: &mut FeedChannel,
) -> Result<(), WsError> {
    if !channel.safe.has_changed().unwrap_or(false) {
        return Ok(());
    }
    let id = channel.safe.borrow_and_update().clone();
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
