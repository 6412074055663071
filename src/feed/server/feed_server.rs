//! The server of a feed, as the rest of the program uses it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::http::header::{HeaderValue, ORIGIN};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::amplitude::time;
use crate::browser;
use crate::feed::log::{Log, LogError};
use crate::feed::usage::Usage;
use crate::log_limit::{Kind, LogLimit};

use super::client_name::{client_name, display_name};
use super::log_thread::LogThread;
use super::log_writer::{LogStatus, LogWriter};
use super::options::Options;
use super::ring::{ClientStatus, Ring};
use super::session::{ClientSession, SessionEnd};
use super::shared::Shared;
use super::subscription::Subscription;

/// Maximum size of a client's message, in bytes. An acknowledgement has about 60.
const CLIENT_MESSAGE_BYTES: usize = 64 << 10;
/// Pause after a failure to accept, for example without free file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// A running server. Clones are handles to the same server.
#[derive(Debug, Clone)]
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Server {
    /// Serves on `listener` until the runtime ends.
    pub fn start(listener: TcpListener, options: Options) -> std::io::Result<Self> {
        let server = Self::new(listener.local_addr()?, options);
        let accepting = server.clone();
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        tokio::spawn(accept(accepting.clone(), stream, peer));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
                }
            }
        });
        Ok(server)
    }

    /// Creates a server without a listener: the caller listens at `address` and passes each client
    /// to [`Self::serve`].
    pub fn new(address: SocketAddr, options: Options) -> Self {
        Self::with_parts(address, options, Ring::default(), None)
    }

    /// Like [`Self::new`], with a log from which clients can resume.
    pub fn with_log(address: SocketAddr, options: Options, log: Log) -> Result<Self, LogError> {
        let ring = Ring::resuming(log.newest(), log.positions().clone());
        let (writer, thread) = LogThread::new(log)?;
        let server = Self::with_parts(address, options, ring, Some(writer));
        server.start_log(thread)?;
        Ok(server)
    }

    pub(super) fn with_parts(
        address: SocketAddr,
        options: Options,
        ring: Ring,
        log: Option<LogWriter>,
    ) -> Self {
        let shared = Arc::new(Shared::new(options, ring, log));
        Self { shared, address }
    }

    pub(super) fn start_log(&self, thread: LogThread) -> Result<(), LogError> {
        thread.start(&self.shared)
    }

    /// Publishes events in this order, all or none. With a log, returns once they are durable.
    pub async fn publish_all(&self, events: Vec<String>) -> Result<(), LogError> {
        if self.shared.ring().ended {
            return Err(LogError::Ended);
        }
        let Some(log) = &self.shared.log else {
            for event in &events {
                self.publish(event).await;
            }
            return Ok(());
        };
        log.publish(events).await
    }

    /// Publishes an event, a JSON object, with a message id. Waits while a client is far behind or
    /// none is connected, as the options say.
    pub async fn publish(&self, event: &str) {
        let mut progress = self.shared.progress.subscribe();
        while !self.shared.can_publish() {
            // The sender lives as long as `self`.
            let _ = progress.changed().await;
        }
        self.shared.publish(event);
    }

    /// Serves a client until it disconnects or is cut off. Its acknowledgements are stored under
    /// `name`.
    pub async fn serve<S>(
        &self,
        socket: WebSocketStream<S>,
        subscription: Subscription,
        (name, address): (&str, IpAddr),
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let session = ClientSession::start(&self.shared, name);
        let name = display_name(name);
        let admits = |kind| self.shared.log_limit.admits(kind, address);
        if admits(Kind::Connected) {
            tracing::info!("client {name} connected");
        }
        // An error is a disconnection: the client comes back with the last id that it received.
        match session.run(socket, &subscription).await {
            Ok(SessionEnd::CutOff(reason)) if admits(Kind::CutOff) => {
                tracing::warn!("client {name} was cut off: {reason}");
            }
            Ok(SessionEnd::Disconnected) | Err(_) if admits(Kind::Disconnected) => {
                tracing::info!("client {name} disconnected");
            }
            Ok(SessionEnd::Complete) if admits(Kind::Disconnected) => {
                tracing::info!("client {name} received everything");
            }
            _ => {}
        }
    }

    /// Ends the feed: clients receive the messages that are left, and a close frame.
    pub fn end(&self) {
        self.shared.ring().ended = true;
        self.shared.notify_published();
    }

    /// Waits until at least one client was connected and all have received everything.
    pub async fn drained(&self) {
        let mut progress = self.shared.progress.subscribe();
        while !self.shared.ring().all_clients_left() {
            // The sender lives as long as `self`.
            let _ = progress.changed().await;
        }
    }

    /// The limit of log lines that clients cause.
    pub fn log_limit(&self) -> Arc<LogLimit> {
        self.shared.log_limit.clone()
    }

    /// The status of each connected client.
    pub fn client_statuses(&self) -> Vec<ClientStatus> {
        self.shared.ring().client_statuses(time::now())
    }

    /// The size and age of the messages in memory.
    pub fn ring_usage(&self) -> Usage {
        let max_bytes = self.shared.options.ring_bytes;
        self.shared.ring().usage(max_bytes, time::now())
    }

    /// The status of the log, if there is one.
    pub fn log_status(&self) -> Option<LogStatus> {
        self.shared.log.as_ref().map(LogWriter::status)
    }

    /// The URL to subscribe to.
    pub fn url(&self) -> String {
        format!("ws://{}/feed", self.address)
    }

    /// Number of connected clients.
    pub fn clients(&self) -> usize {
        self.shared.ring().clients()
    }
}

/// The limits of messages from clients. A longer message ends the connection.
pub fn client_message_limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(CLIENT_MESSAGE_BYTES))
        .max_frame_size(Some(CLIENT_MESSAGE_BYTES))
}

async fn accept(server: Server, stream: TcpStream, peer: SocketAddr) {
    let mut subscription = Subscription::default();
    let mut name = String::new();
    #[expect(clippy::result_large_err, reason = "the handshake's own type")]
    let handshake = |request: &Request, response: Response| {
        let origin = request.headers().get(ORIGIN).map(HeaderValue::as_bytes);
        let refusal = browser::refuse_socket(origin);
        if let Some(why) = refusal.filter(|_| server.address.ip().is_loopback()) {
            let mut refusal = ErrorResponse::new(Some(why.to_owned()));
            *refusal.status_mut() = StatusCode::FORBIDDEN;
            return Err(refusal);
        }
        let query = request.uri().query();
        subscription = query.map(Subscription::parse).unwrap_or_default();
        name = client_name(request.headers(), peer.ip());
        Ok(response)
    };
    let limits = Some(client_message_limits());
    let accepting = tokio_tungstenite::accept_hdr_async_with_config(stream, handshake, limits);
    // The handshake itself tells the client why it failed.
    let Ok(socket) = accepting.await else {
        return;
    };
    server.serve(socket, subscription, (&name, peer.ip())).await;
}
