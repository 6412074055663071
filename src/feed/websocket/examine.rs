//! Connects once, hop by hop, to find the one that fails.

use std::future::Future;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use futures_util::{SinkExt as _, StreamExt as _};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::amplitude::Malformed;
use crate::network::{AnyConnection, certificate};

use super::describe::{ENDED_SILENTLY, describe, describe_close};
use super::messages::Messages;
use super::{Socket, WebSocketFeed};

/// A hop to the feed, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop {
    /// The name of the server, or of the proxy, has addresses.
    Dns,
    /// The server accepts a connection, through the proxy if there is one.
    Connect,
    /// TLS, and the server's certificate.
    Tls,
    /// The server upgrades the connection to a WebSocket.
    Handshake,
    /// The first message.
    FirstFrame,
    /// An answer to a ping.
    Ping,
}

/// What was found at a hop that works.
#[derive(Debug)]
pub enum Found {
    /// The addresses, as texts.
    Addresses(Vec<String>),
    /// It took this time.
    Took(Duration),
    /// The address has no TLS.
    NoTls,
    /// The end of the server's certificate; none if it can't be read.
    Certificate(Option<Timestamp>),
    /// A message.
    Frame(Result<ByteString, Malformed>),
    /// No message came in time.
    NoFrame,
}

impl WebSocketFeed {
    /// Connects once, and reports each hop until one fails. Each may take up to `limit`. Nothing is
    /// acknowledged, so that no message is lost to another client.
    pub async fn examine(
        &self,
        limit: Duration,
        mut report: impl FnMut(Hop, Result<Found, String>),
    ) {
        let mut hop = Hop::Dns;
        let ended = self.hops(limit, |at, found| report(at, Ok(found)), &mut hop);
        if let Err(why) = ended.await {
            report(hop, Err(why));
        }
    }

    async fn hops(
        &self,
        limit: Duration,
        mut report: impl FnMut(Hop, Found),
        hop: &mut Hop,
    ) -> Result<(), String> {
        let addresses = within(limit, self.connector.addresses()).await?;
        let addresses = addresses.iter().map(|at| at.ip().to_string()).collect();
        report(*hop, Found::Addresses(addresses));

        *hop = Hop::Connect;
        let started = Instant::now();
        let connection = within(limit, self.connector.reach()).await?;
        report(*hop, Found::Took(started.elapsed()));

        *hop = Hop::Tls;
        let (connection, found) = within(limit, self.tls(connection)).await?;
        report(*hop, found);

        *hop = Hop::Handshake;
        let started = Instant::now();
        let upgraded = async {
            let upgraded = self.upgrade(connection, &self.url).await;
            upgraded.map_err(|failure| failure.why)
        };
        let (mut socket, read_report) = within(limit, upgraded).await?;
        report(*hop, Found::Took(started.elapsed()));

        *hop = Hop::FirstFrame;
        let mut messages = Messages::new(&self.settings, read_report);
        let found = match timeout(limit, first_frame(&mut messages, &mut socket)).await {
            Ok(frame) => Found::Frame(frame?),
            Err(_) => Found::NoFrame,
        };
        report(*hop, found);

        *hop = Hop::Ping;
        let started = Instant::now();
        within(limit, self.ping(&mut socket)).await?;
        report(*hop, Found::Took(started.elapsed()));
        // Optional: the peer also notices the end of the connection.
        let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
        Ok(())
    }

    async fn tls(&self, connection: AnyConnection) -> Result<(AnyConnection, Found), String> {
        let Some(name) = self.connector.server_name() else {
            return Ok((connection, Found::NoTls));
        };
        let stream = self.connector.secure_server(connection, name).await?;
        let chain = stream.get_ref().1.peer_certificates();
        let end = chain
            .and_then(<[_]>::first)
            .and_then(|der| certificate::not_after(der));
        Ok((Box::new(stream), Found::Certificate(end)))
    }

    /// Pings as the settings say, and waits for the answer.
    async fn ping(&self, socket: &mut Socket) -> Result<(), String> {
        let settings = &self.settings;
        let is_text = !settings.ping_text.is_empty();
        let ping = if is_text {
            Message::text(settings.ping_text.clone())
        } else {
            Message::Ping(bytes::Bytes::new())
        };
        socket.send(ping).await.map_err(|error| describe(&error))?;
        loop {
            match socket.next().await {
                None => return Err(ENDED_SILENTLY.to_owned()),
                Some(Err(error)) => return Err(describe(&error)),
                Some(Ok(Message::Close(frame))) => return Err(describe_close(frame.as_ref())),
                Some(Ok(Message::Pong(_))) if !is_text => return Ok(()),
                // As while receiving, any message shows that the server lives.
                Some(Ok(_)) if is_text => return Ok(()),
                Some(Ok(_)) => {}
            }
        }
    }
}

/// Reads the first message that can have events.
async fn first_frame(
    messages: &mut Messages<'_>,
    socket: &mut Socket,
) -> Result<Result<ByteString, Malformed>, String> {
    loop {
        let message = socket.next().await;
        let taken = messages.take(message, socket, &mut false);
        if let Some(frame) = taken.frames.into_iter().next() {
            return Ok(frame.text);
        }
        if let Some(failure) = taken.failure {
            return Err(failure.why);
        }
    }
}

async fn within<T>(
    limit: Duration,
    hop: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    match timeout(limit, hop).await {
        Ok(ended) => ended,
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}
