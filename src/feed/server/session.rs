//! Serving one client, from its connection to its end.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;

use crate::amplitude::time;
use crate::feed::log::Position;

use super::log_writer::LogWriter;
use super::message::{close, send};
use super::ring::NextMessages;
use super::shared::Shared;
use super::subscription::{EventTypes, Subscription};

/// A connected client.
#[derive(Debug)]
pub(super) struct ClientSession<'s> {
    shared: &'s Arc<Shared>,
    /// The client's number in the ring.
    client: u64,
    name: &'s str,
}

/// The end of a session.
pub(super) enum SessionEnd {
    /// The client disconnected.
    Disconnected,
    /// All messages were sent, and no more will come.
    Complete,
    /// The server disconnected the client, for this reason.
    CutOff(String),
}

impl Drop for ClientSession<'_> {
    fn drop(&mut self) {
        self.shared.ring().remove_client(self.client);
        self.shared.touch_client(self.name);
        self.shared.notify_progress();
    }
}

impl<'s> ClientSession<'s> {
    pub(super) fn start(shared: &'s Arc<Shared>, name: &'s str) -> Self {
        let client = shared.ring().add_client(name, time::now());
        shared.touch_client(name);
        shared.forget_clients();
        shared.notify_progress();
        Self {
            shared,
            client,
            name,
        }
    }

    /// Serves the client until the session ends.
    pub(super) async fn run<S>(
        &self,
        mut socket: WebSocketStream<S>,
        subscription: &Subscription,
    ) -> Result<SessionEnd, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let floor = self.catch_up(&mut socket, subscription).await?;
        self.stream(socket, &subscription.types, floor).await
    }

    /// Sends older messages to a client that asks for them or has acknowledged some, until the ring
    /// holds everything that follows. The log supplies what has left the ring. Returns the message
    /// up to which everything was sent.
    async fn catch_up<S>(
        &self,
        socket: &mut WebSocketStream<S>,
        subscription: &Subscription,
    ) -> Result<Uuid, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let start = match subscription.after.as_deref() {
            Some(id) => Some(id.parse().unwrap_or(Uuid::nil())),
            None => self.shared.ring().acknowledged(self.name),
        };
        let Some(mut sent_to) = start else {
            return Ok(Uuid::nil());
        };
        loop {
            let is_complete = self.shared.ring().resume_after(self.client, sent_to);
            let (false, Some(log)) = (is_complete, &self.shared.log) else {
                return Ok(sent_to);
            };
            let types = &subscription.types;
            let last = self.send_from_log(socket, log, sent_to, types).await?;
            if last == sent_to {
                // The missing messages are in neither the ring nor the log.
                self.shared.ring().resume_after(self.client, sent_to);
                return Ok(sent_to);
            }
            sent_to = last;
        }
    }

    /// Sends the log's messages after an id. Returns the id of the last one.
    async fn send_from_log<S>(
        &self,
        socket: &mut WebSocketStream<S>,
        log: &LogWriter,
        start: Uuid,
        types: &EventTypes,
    ) -> Result<Uuid, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shared = self.shared;
        shared.ring().sent_from_log(self.client, start, 0);
        let mut sent_to = start;
        loop {
            let Some(messages) = log.read_after(sent_to).await else {
                let reason = "the log can't be read".into();
                socket.send(close(CloseCode::Error, reason)).await?;
                return Err(Error::ConnectionClosed);
            };
            let Some((last, _)) = messages.last() else {
                return Ok(sent_to);
            };
            sent_to = *last;
            let sending = send(socket, &messages, start, types);
            let sent = tokio::time::timeout(shared.options.patience, sending).await;
            let sent = sent.map_err(|_| Error::ConnectionClosed)??;
            shared.ring().sent_from_log(self.client, sent_to, sent);
        }
    }

    /// Sends the ring's messages and new ones, and reads the client's acknowledgements.
    async fn stream<S>(
        &self,
        socket: WebSocketStream<S>,
        types: &EventTypes,
        floor: Uuid,
    ) -> Result<SessionEnd, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shared = self.shared;
        let (mut sink, mut stream) = socket.split();
        let mut published = shared.published.subscribe();
        loop {
            published.mark_unchanged();
            let next = shared.ring().next(self.client);
            let (messages, next) = match next {
                NextMessages::Some(messages, next) => (messages, next),
                NextMessages::Ended => {
                    let all_sent = close(CloseCode::Normal, "all is sent".into());
                    sink.send(all_sent).await?;
                    // Wait for the client's close frame, or its disconnection.
                    while let Some(Ok(_)) = stream.next().await {}
                    return Ok(SessionEnd::Complete);
                }
                NextMessages::Evicted(count) => {
                    let reason = format!("too slow: {count} messages have left the ring");
                    sink.send(close(CloseCode::Again, reason.clone())).await?;
                    return Ok(SessionEnd::CutOff(reason));
                }
            };
            if messages.is_empty() {
                tokio::select! {
                    _ = published.changed() => {}
                    received = stream.next() => match received {
                        None => return Ok(SessionEnd::Disconnected),
                        Some(message) => self.acknowledge(&message?),
                    },
                }
                continue;
            }
            let Some(sent) = self
                .send_in_time(&mut sink, &messages, floor, types)
                .await?
            else {
                // A connection that takes no message takes no close frame either.
                let patience = shared.options.patience;
                return Ok(SessionEnd::CutOff(took_nothing(patience)));
            };
            shared.ring().sent(self.client, next, sent);
            shared.notify_progress();
        }
    }

    /// Sends messages. Returns their number; none if the client is too slow and must not be waited
    /// for. Messages up to `floor` were sent from the log before.
    async fn send_in_time<S>(
        &self,
        sink: &mut SplitSink<WebSocketStream<S>, Message>,
        messages: &[(Uuid, ByteString)],
        floor: Uuid,
        types: &EventTypes,
    ) -> Result<Option<u64>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let options = &self.shared.options;
        let sending = send(sink, messages, floor, types);
        if options.wait_for_slow {
            return sending.await.map(Some);
        }
        match tokio::time::timeout(options.patience, sending).await {
            Ok(sent) => sent.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Handles a client's message: an acknowledgement of all messages up to an id.
    fn acknowledge(&self, message: &Message) {
        #[derive(serde::Deserialize)]
        struct Acknowledgement {
            message_id: Uuid,
        }
        let Message::Text(text) = message else {
            return;
        };
        let Ok(Acknowledgement { message_id }) = serde_json::from_str(text) else {
            return;
        };
        let position = Position {
            id: message_id,
            last_seen_ms: time::now(),
        };
        let (is_new, are_too_many) = {
            let mut ring = self.shared.ring();
            let is_new = ring.acknowledge(self.name, position);
            (is_new, ring.has_too_many_positions())
        };
        if let Some(log) = &self.shared.log
            && is_new
        {
            log.write_position(self.name.to_owned(), Some(position));
        }
        if are_too_many {
            self.shared.forget_clients();
        }
    }
}

fn took_nothing(patience: Duration) -> String {
    let patience = humantime::format_duration(patience);
    format!("it took nothing for {patience}")
}
