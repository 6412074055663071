//! Publishing events into a group's stream.

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use bytestring::ByteString;
use futures_util::future::try_join_all;

use super::connection::Connection;
use super::error::GroupError;
use super::person::Target;

/// Maximum size of a message's headers, in bytes: they hold an id of 26 characters.
const HEADER_BYTES: usize = 256;

/// Publishes events. Clones share a connection.
#[derive(Debug, Clone)]
pub struct Publisher {
    connection: Connection,
}

impl Publisher {
    /// Publishes into the stream of a group.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The connection to the group.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Maximum size of an event that the servers take, in bytes.
    pub fn max_bytes(&self) -> usize {
        // The headers of a message count, too.
        let max_bytes = self.connection.client.max_payload();
        max_bytes.saturating_sub(HEADER_BYTES)
    }

    /// Publishes events, each a JSON object, and returns once the stream has all of them. If it fails,
    /// some of them may be in the stream: publishing them again within the stream's duplicate window
    /// adds no second one.
    pub async fn publish(&self, events: &[ByteString]) -> Result<(), GroupError> {
        let connection = &self.connection;
        let mut answers = Vec::new();
        for event in events {
            let target = Target::of(event, connection.partitions);
            let max_bytes = self.max_bytes();
            if event.len() > max_bytes {
                return Err(GroupError::TooLarge {
                    bytes: event.len(),
                    max_bytes,
                });
            }
            let message = PublishMessage::build()
                .payload(event.as_bytes().clone())
                .headers(target.headers());
            let subject = connection.names.events(target.partition);
            let sent = connection.context.send_publish(subject, message).await;
            answers.push(sent.map_err(|error| failure(&error))?);
        }
        let answers = answers.into_iter().map(IntoFuture::into_future);
        try_join_all(answers)
            .await
            .map_err(|error| failure(&error))?;
        Ok(())
    }
}

fn failure(error: &async_nats::jetstream::context::PublishError) -> GroupError {
    let why = match error.kind() {
        PublishErrorKind::TimedOut => "no answer in time".to_owned(),
        PublishErrorKind::StreamNotFound => "the stream is gone".to_owned(),
        _ => super::connection::reason(error),
    };
    GroupError::failed("publish events", why)
}
