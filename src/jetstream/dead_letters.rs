//! The stream of dead letters.

use std::borrow::Cow;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use bytestring::ByteString;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::amplitude::time::{self, UnixMs};
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterGroup};

use super::connection::Connection;
use super::error::{GroupError, InGroup as _};
use super::person::Target;

/// Time without a message after which a listing is at its end.
const QUIET: Duration = Duration::from_millis(500);
/// Messages that are fetched at a time.
const BATCH: usize = 500;

/// A dead letter of a group, in the stream of dead letters.
#[derive(Debug, Clone)]
pub struct DeadLetterMessage {
    /// Its number: its sequence in the stream.
    pub number: u64,
    /// One line of JSON, as `dead-letters export` writes it, with the event as it came.
    pub line: String,
}

impl DeadLetterMessage {
    /// The message with this number in the stream. What was published could not say it.
    fn new(number: u64, published: &[u8]) -> Self {
        let line = String::from_utf8_lossy(published);
        let line = line.replacen("\"number\":0", &format!("\"number\":{number}"), 1);
        Self { number, line }
    }

    /// Its reason and event type, and when it became a dead letter; none if it can't be read.
    pub fn group(&self) -> Option<(DeadLetterGroup, UnixMs)> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(flatten)]
            group: DeadLetterGroup,
            #[serde(borrow)]
            at: Cow<'a, str>,
        }
        let line: Line<'_> = serde_json::from_str(&self.line).ok()?;
        let at = serde_json::Value::from(&*line.at).to_string();
        Some((line.group, time::parse(&at).unwrap_or_default()))
    }
}

/// The part of a dead letter's JSON that is read back.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
}

impl Connection {
    /// Publishes the dead letters of a message of the stream of events, and returns once they are kept.
    pub(super) async fn publish_dead(
        &self,
        (partition, sequence): (u16, u64),
        letters: &[DeadLetter],
        event: Bytes,
    ) -> Result<(), GroupError> {
        for (index, letter) in letters.iter().enumerate() {
            let message = PublishMessage::build()
                .message_id(format!("{sequence}-{index}"))
                .payload(line(letter, &event).into());
            let subject = self.names.dead(partition);
            let sent = self.context.send_publish(subject, message).await;
            let kept = sent.in_group("publish a dead letter")?.await;
            kept.in_group("publish a dead letter")?;
        }
        Ok(())
    }

    /// Removes messages from the stream up to one up to which all are settled.
    pub(super) async fn remove_settled(
        &self,
        partition: u16,
        floor: u64,
    ) -> Result<(), GroupError> {
        let subject = self.names.events(partition);
        let purging = self.events.purge().filter(subject).sequence(floor + 1);
        purging.await.in_group("remove settled events")?;
        Ok(())
    }

    async fn dead(&self) -> Result<Stream, GroupError> {
        let stream = self.context.get_stream(self.names.dead_stream()).await;
        stream.in_group("open the dead letters")
    }

    /// The dead letters, oldest first, up to a number.
    pub async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetterMessage>, GroupError> {
        let stream = self.dead().await?;
        let consumer = stream
            .create_consumer(pull::Config {
                ack_policy: AckPolicy::None,
                deliver_policy: DeliverPolicy::All,
                inactive_threshold: Duration::from_secs(30),
                ..pull::Config::default()
            })
            .await
            .in_group("read the dead letters")?;
        let mut found = Vec::new();
        while found.len() < max {
            let wanted = BATCH.min(max - found.len());
            let batch = consumer.fetch().max_messages(wanted).expires(QUIET);
            let mut messages = batch.messages().await.in_group("read the dead letters")?;
            let before = found.len();
            while let Some(message) = messages.next().await {
                let message = message.in_group("read the dead letters")?;
                let number = message
                    .info()
                    .in_group("read the dead letters")?
                    .stream_sequence;
                found.push(DeadLetterMessage::new(number, &message.payload));
            }
            if found.len() == before {
                break;
            }
        }
        Ok(found)
    }

    /// Publishes the event of a dead letter again, and removes the dead letter. The event is decided by
    /// the current filters.
    pub async fn retry_dead_letter(&self, letter: &DeadLetterMessage) -> Result<(), GroupError> {
        let parsed: Line<'_> = serde_json::from_str(&letter.line).in_group("read a dead letter")?;
        let event = ByteString::from(parsed.event.get());
        let target = Target::of(&event, self.partitions);
        // The stream may remember the event's own id still.
        let message = PublishMessage::build()
            .message_id(format!("again-{}", letter.number))
            .payload(event.into_bytes());
        let subject = self.names.events(target.partition);
        let sent = self.context.send_publish(subject, message).await;
        let kept = sent.in_group("publish an event again")?.await;
        kept.in_group("publish an event again")?;
        self.discard_dead_letter(letter.number).await
    }

    /// Removes a dead letter.
    pub async fn discard_dead_letter(&self, number: u64) -> Result<(), GroupError> {
        let stream = self.dead().await?;
        stream
            .delete_message(number)
            .await
            .in_group("remove a dead letter")?;
        Ok(())
    }
}

/// The JSON of a dead letter, with its event as it came.
fn line(letter: &DeadLetter, event: &[u8]) -> String {
    let mut line = letter.to_line();
    let text = String::from_utf8_lossy(event);
    let raw = serde_json::from_str::<&RawValue>(&text).map(|raw| raw.get().to_owned());
    let raw = raw.unwrap_or_else(|_| serde_json::Value::from(&*text).to_string());
    // The closing brace follows again behind the event.
    line.truncate(line.len() - 1);
    format!("{line},\"event\":{}}}", crate::text::escaped_json(&raw))
}
