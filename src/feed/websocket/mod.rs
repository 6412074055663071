//! The feed over WebSocket: connects, resumes, acknowledges, and reconnects until it is stopped.
//!
//! [`connect`] makes the connection, through a proxy if necessary, and [`handshake`] upgrades it to a
//! WebSocket. [`frames`] keeps an unreadable message from ending the connection, and [`resume_point`]
//! keeps a message id that the server rejects from ending the feed. [`mod@describe`] explains errors.

mod connect;
mod describe;
mod error;
pub(super) mod examine;
mod frames;
mod handshake;
mod messages;
mod resume_point;
mod tls;

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
use describe::{ENDED_SILENTLY, describe, describe_close};
use error::Failure;
use frames::{FrameReader, ReadReport};
use messages::{Messages, Taken};
use resume_point::{NextConnection, ResumePoint};

/// Interval of acknowledgements; each covers all messages before it.
const ACKNOWLEDGE_EVERY: Duration = Duration::from_secs(1);
/// A connection that lasted this long resets the backoff.
const STABLE_AFTER: Duration = Duration::from_secs(30);
/// Minimum time between two attempts, whatever the settings say.
const MIN_WAIT: Duration = Duration::from_millis(50);
/// Maximum random extension of the server's `Retry-After`, as a fraction, so that its clients don't
/// all reconnect at once.
const RETRY_AFTER_JITTER: f64 = 0.1;

/// Time for which a connection must last without an error for the probe to succeed.
const PROBE_TIME: Duration = Duration::from_secs(2);

/// Maximum size of a read of the socket, in bytes. A buffer of this size is cleared for each.
const READ_BYTES: usize = 64 << 10;

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
    /// Prepares a subscription without connecting. Reads key files, so it blocks.
    pub fn new(settings: Settings) -> Result<Self, FeedError> {
        Self::with_dialer(settings, Dialer::default())
    }

    /// Like [`Self::new`], with connections made by `dialer`.
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

    /// The proxy between this machine and the server.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.connector.proxy()
    }

    async fn connect(
        &self,
        after: Option<&MessageId>,
    ) -> Result<(Socket, Arc<ReadReport>), Failure> {
        let limit = self.settings.connect_timeout;
        match timeout(limit, self.open(after)).await {
            Ok(opened) => opened,
            Err(_) => Err(Failure::from(format!("no connection within {limit:?}"))),
        }
    }

    async fn open(&self, after: Option<&MessageId>) -> Result<(Socket, Arc<ReadReport>), Failure> {
        let connection = self.connector.connect().await?;
        let url = match after {
            Some(id) => &resuming(&self.url, id),
            None => &self.url,
        };
        self.upgrade(connection, url).await
    }

    /// Upgrades a connection to a WebSocket, and sends the first message that the settings have.
    async fn upgrade(
        &self,
        connection: AnyConnection,
        url: &Url,
    ) -> Result<(Socket, Arc<ReadReport>), Failure> {
        let connection = handshake::shake(connection, url, &self.headers).await?;
        let max_bytes = self.settings.max_frame_bytes;
        let connection = FrameReader::new(connection, max_bytes);
        let report = connection.report();
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .max_message_size(Some(max_bytes))
            .max_frame_size(Some(max_bytes));
        let mut socket =
            WebSocketStream::from_raw_socket(connection, Role::Client, Some(config)).await;
        if !self.settings.initial_message.is_empty() {
            let hello = Message::text(self.settings.initial_message.clone());
            let sent = socket.send(hello).await;
            sent.map_err(|error| Failure::from(describe(&error)))?;
        }
        Ok((socket, report))
    }

    async fn keep_running(self, mut channel: FeedChannel) {
        let mut failures = 0_u32;
        let mut resume_point = ResumePoint::default();
        loop {
            let last = channel.last_received.borrow().clone();
            let was_received = last.is_some();
            let resume_id = last.filter(|id| self.settings.resume && is_message_id(id));
            let started = Instant::now();
            let failure = match resume_point.next(resume_id) {
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
                NextConnection::Receive(after) => {
                    let ended = match self.connect(after.as_ref()).await {
                        Ok(connection) => {
                            self.report_live(&channel);
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
            failures = if started.elapsed() > STABLE_AFTER {
                0
            } else {
                failures + 1
            };
            let wait = self.wait(failures, failure.retry_after, rand::random());
            self.report_down(failure, wait, &channel);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = channel.frames.closed() => return,
            }
        }
    }

    /// Connects without a message id, to test whether the server works. Its messages are dropped.
    async fn probe(&self) -> Result<(), Failure> {
        let (mut socket, _) = self.connect(None).await?;
        let message = timeout(PROBE_TIME, async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => return other,
                }
            }
        });
        let outcome = match message.await {
            Ok(None) => Err(Failure::from(ENDED_SILENTLY.to_owned())),
            Ok(Some(Err(error))) => Err(Failure::from(describe(&error))),
            Ok(Some(Ok(Message::Close(frame)))) => {
                Err(Failure::from(describe_close(frame.as_ref())))
            }
            Ok(Some(Ok(_))) | Err(_) => Ok(()),
        };
        // Optional: the peer also notices the end of the connection.
        let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
        outcome
    }

    fn report_live(&self, channel: &FeedChannel) {
        channel.status.send_modify(|s| {
            s.connects += 1;
            s.state = FeedState::Live;
        });
        let via = self.via_proxy();
        tracing::info!(kind = "feed_live", url = %self.settings.url, "feed is live{via}");
    }

    fn report_down(&self, failure: Failure, wait: Duration, channel: &FeedChannel) {
        let why = match self.proxy() {
            Some(proxy) => format!("through the proxy {proxy}: {}", failure.why),
            None => failure.why,
        };
        tracing::warn!(
            kind = "feed_down",
            url = %self.settings.url,
            reason = why,
            retry_ms = wait.as_millis() as u64,
            "feed is down: {why}; retrying in {wait:.1?}"
        );
        let next_ms = time::now() + wait.as_millis() as i64;
        channel.status.send_modify(|s| {
            s.state = FeedState::Down { why, next_ms };
            s.blocked_since_ms = None;
        });
    }

    /// `, through the proxy …`, if there is one.
    fn via_proxy(&self) -> String {
        let proxy = self.proxy();
        proxy.map_or_else(String::new, |proxy| format!(", through the proxy {proxy}"))
    }

    /// The wait before the next attempt: exponential backoff with full jitter, so that the clients of
    /// a recovering server don't all reconnect at once, but at least the server's `Retry-After`.
    fn wait(&self, failures: u32, retry_after: Option<Duration>, random: f64) -> Duration {
        let max = self.settings.reconnect_max.max(MIN_WAIT).as_secs_f64();
        let min = self.settings.reconnect_min.max(MIN_WAIT).as_secs_f64();
        let full = (min * 2_f64.powi(failures.min(30) as i32)).min(max);
        let own = Duration::from_secs_f64((full * random).max(min.min(max)));
        let retry_after =
            retry_after.map(|retry_after| retry_after.mul_f64(1.0 + RETRY_AFTER_JITTER * random));
        own.max(retry_after.unwrap_or_default())
    }

    async fn receive(
        &self,
        (mut socket, report): (Socket, Arc<ReadReport>),
        channel: &mut FeedChannel,
        was_received: bool,
    ) -> Ended {
        let mut ping =
            tokio::time::interval(self.settings.ping_interval.max(Duration::from_millis(10)));
        ping.reset();
        let mut acknowledge = tokio::time::interval(ACKNOWLEDGE_EVERY);
        // Also after a restart, if the spool knows the last message of an earlier run.
        let mut resumed = was_received || channel.status.borrow().connects > 1;
        let mut messages = Messages::new(&self.settings, report.clone());
        let patience = self.settings.ping_interval + self.settings.ping_timeout;
        loop {
            let message = tokio::select! {
                message = socket.next() => message,
                _ = ping.tick() => {
                    if report.silent_for() > patience {
                        return Ended::Broken(Failure::from(format!("received nothing for {patience:.0?}, not even an answer to a ping")));
                    }
                    let text = &self.settings.ping_text;
                    let ping = if text.is_empty() { Message::Ping(bytes::Bytes::new()) } else { Message::text(text.clone()) };
                    if let Err(error) = socket.send(ping).await {
                        return Ended::Broken(describe(&error).into());
                    }
                    continue;
                }
                _ = acknowledge.tick(), if self.settings.acknowledge => {
                    if let Err(error) = acknowledge_safe(&mut socket, channel).await {
                        return Ended::Broken(describe(&error).into());
                    }
                    continue;
                }
                () = channel.frames.closed() => {
                    // Optional: the peer also notices the end of the connection.
                    if self.settings.acknowledge {
                        let _ = acknowledge_safe(&mut socket, channel).await;
                    }
                    let _ = timeout(Duration::from_secs(1), socket.send(Message::Close(None))).await;
                    return Ended::PipelineClosed;
                }
            };
            let Taken { frames, failure } = messages.take(message, &mut socket, &mut resumed);
            if !frames.is_empty() && channel.send(frames).await.is_err() {
                return Ended::PipelineClosed;
            }
            if let Some(failure) = failure {
                return Ended::Broken(failure);
            }
            // Nothing was read meanwhile.
            report.touch();
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

/// The end of a connection.
enum Ended {
    /// It failed.
    Broken(Failure),
    /// The pipeline takes no more frames.
    PipelineClosed,
}

/// Continues without resuming after `id`, which failed for the reason `why`.
fn give_up(id: &MessageId, why: &str, channel: &FeedChannel) {
    tracing::error!(
        kind = "events_missed",
        message_id = %id,
        reason = why,
        "the feed continues without the events after this message: the server can't resume there, \
         but works without it: {why}"
    );
    channel.status.send_modify(|s| s.given_up += 1);
}

async fn acknowledge_safe<S: SinkExt<Message, Error = WsError> + Unpin>(
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

/// The URL with `last_received` in its query; replaces an existing one.
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
