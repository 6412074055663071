//! The stream of dead letters: what members publish to it, and how it is read and changed.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self as jetstream, RawMessageErrorKind};
use bytes::Bytes;
use bytestring::ByteString;
use futures_util::stream::FuturesOrdered;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::delivery::spool::dead_letters::{
    DeadLetter, DeadLetterKey, DeadLetterRow, DeadLetterSelection,
};

use super::connection::Connection;
use super::dead_letter_index::DeadLetterIndex;
use super::error::{GroupError, InGroup as _};
use super::person::Target;

/// Interval at which the stream is looked at for others' changes.
const INTERVAL: Duration = Duration::from_secs(2);
/// Time without a message after which a listing is at its end.
const QUIET: Duration = Duration::from_millis(500);
/// Messages that are fetched at a time.
const BATCH: usize = 500;
/// Requests for a message that are under way at the same time.
const AT_A_TIME: usize = 32;
/// What a failed request was for.
const READ: &str = "read the dead letters";

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

    /// The dead letters, of which the newest `max` are looked at.
    pub async fn dead_letters(&self, max: usize) -> Result<GroupDeadLetters, GroupError> {
        let stream = self.context.get_stream(self.names.dead_stream()).await;
        let stream = stream.in_group("open the dead letters")?;
        let known = Known {
            index: DeadLetterIndex::new(max),
            read_to: 0,
            first: 0,
            removed: 0,
        };
        Ok(GroupDeadLetters(Arc::new(Parts {
            connection: self.clone(),
            stream,
            max,
            known: Mutex::new(known),
            rows: watch::Sender::default(),
        })))
    }
}

/// The dead letters of a group. Clones share what they know of the stream.
#[derive(Debug, Clone)]
pub struct GroupDeadLetters(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    connection: Connection,
    stream: jetstream::Stream,
    /// Maximum dead letters that are looked at.
    max: usize,
    known: Mutex<Known>,
    rows: watch::Sender<Arc<Vec<DeadLetterRow>>>,
}

/// What is known of the stream.
#[derive(Debug)]
struct Known {
    index: DeadLetterIndex,
    /// The last message that was read.
    read_to: u64,
    /// The first message that is there.
    first: u64,
    /// Number of messages behind it that were removed.
    removed: u64,
}

impl GroupDeadLetters {
    /// Keeps the rows up to date until the task is aborted.
    pub async fn follow(self) {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.refresh().await {
                tracing::debug!("{error}; it is tried again");
            }
        }
    }

    /// Their numbers by reason and type, the most frequent first, as far as they are known.
    pub fn rows(&self) -> watch::Receiver<Arc<Vec<DeadLetterRow>>> {
        self.0.rows.subscribe()
    }

    /// Their numbers by reason and type now, the most frequent first.
    pub async fn list(&self) -> Result<Vec<DeadLetterRow>, GroupError> {
        self.refresh().await?;
        Ok(self.known().index.rows())
    }

    /// Number of the selected dead letters.
    pub async fn count(&self, which: &DeadLetterSelection) -> Result<u64, GroupError> {
        Ok(self.numbers(which).await?.len() as u64)
    }

    /// Up to `most` of the selected dead letters, the newest first.
    pub async fn page(
        &self,
        which: &DeadLetterSelection,
        most: u64,
    ) -> Result<Vec<DeadLetter>, GroupError> {
        let lines = self.newest_lines(which, most).await?;
        let letters: Result<Vec<DeadLetter>, _> = lines
            .iter()
            .map(|line| DeadLetter::from_line(line))
            .collect();
        letters.in_group(READ)
    }

    /// Up to `most` of the selected dead letters as the lines of an export, the newest first.
    pub async fn newest_lines(
        &self,
        which: &DeadLetterSelection,
        most: u64,
    ) -> Result<Vec<String>, GroupError> {
        let mut numbers = self.numbers(which).await?;
        numbers.reverse();
        numbers.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        let lines = self.lines(numbers).map_ok(|(_, line)| line);
        lines.try_collect().await
    }

    /// The selected dead letters as `dead-letters export` writes them, the oldest first, and with the
    /// event as it came.
    pub async fn export(
        &self,
        which: &DeadLetterSelection,
        to: &mut (impl Write + ?Sized),
    ) -> Result<u64, ExportError> {
        let numbers = self.numbers(which).await?;
        let mut lines = std::pin::pin!(self.lines(numbers));
        let mut count = 0;
        while let Some((_, line)) = lines.try_next().await? {
            writeln!(to, "{line}")?;
            count += 1;
        }
        Ok(count)
    }

    /// Publishes the events of the selected dead letters again, in their order, and removes these dead
    /// letters. The events are decided by the current filters. Returns their number.
    pub async fn retry(&self, which: &DeadLetterSelection) -> Result<u64, GroupError> {
        let numbers = self.numbers(which).await?;
        let mut lines = std::pin::pin!(self.lines(numbers));
        let (mut confirming, mut count) = (FuturesOrdered::new(), 0);
        let retried = async {
            while let Some((number, line)) = lines.try_next().await? {
                // It is sent before the next one is, and confirmed while that is sent.
                let confirmed = self.publish_again(number, &line).await?;
                confirming.push_back(self.remove_once(number, confirmed));
                if confirming.len() >= AT_A_TIME {
                    count += u64::from(confirming.try_next().await?.is_some());
                }
            }
            while confirming.try_next().await?.is_some() {
                count += 1;
            }
            Ok(count)
        };
        let retried = retried.await;
        self.show_rows();
        retried
    }

    /// Removes the selected dead letters. Returns their number.
    pub async fn discard(&self, which: &DeadLetterSelection) -> Result<u64, GroupError> {
        let numbers = self.numbers(which).await?;
        let removed = stream::iter(numbers).map(|number| self.remove(number));
        let removed = removed.buffered(AT_A_TIME);
        let count = removed.try_fold(0, async |count, ()| Ok(count + 1)).await;
        self.show_rows();
        count
    }

    /// Publishes the event of a dead letter. Returns what confirms it.
    async fn publish_again(
        &self,
        number: u64,
        line: &str,
    ) -> Result<impl Future<Output = Result<(), PublishError>> + use<>, GroupError> {
        let connection = &self.0.connection;
        let parsed: EventOfLine<'_> = serde_json::from_str(line).in_group("read a dead letter")?;
        let event = ByteString::from(parsed.event.get());
        let target = Target::of(&event, connection.partitions);
        // The stream may remember the event's own id still, and a number comes again where the stream of
        // dead letters begins anew.
        let hash = crc32fast::hash(line.as_bytes());
        let message = PublishMessage::build()
            .message_id(format!("again-{number}-{hash:08x}"))
            .payload(event.into_bytes());
        let subject = connection.names.events(target.partition);
        let sent = connection.context.send_publish(subject, message).await;
        let confirmed = sent.in_group("publish an event again")?;
        Ok(async { confirmed.await.map(drop) })
    }

    /// Removes a dead letter once the stream has its event again.
    async fn remove_once(
        &self,
        number: u64,
        confirmed: impl Future<Output = Result<(), PublishError>>,
    ) -> Result<(), GroupError> {
        confirmed.await.in_group("publish an event again")?;
        self.remove(number).await
    }

    async fn remove(&self, number: u64) -> Result<(), GroupError> {
        let removed = self.0.stream.delete_message(number).await;
        removed.in_group("remove a dead letter")?;
        self.known().index.remove(number);
        Ok(())
    }

    /// The numbers of the selected dead letters that are there now, the oldest first.
    async fn numbers(&self, which: &DeadLetterSelection) -> Result<Vec<u64>, GroupError> {
        self.refresh().await?;
        Ok(self.known().index.numbers(which))
    }

    /// The lines with these numbers. One that was removed meanwhile is left out.
    fn lines(
        &self,
        numbers: Vec<u64>,
    ) -> impl Stream<Item = Result<(u64, String), GroupError>> + use<'_> {
        let read = async |number| match self.0.stream.get_raw_message(number).await {
            Ok(message) => Ok(Some((number, numbered(number, &message.payload)))),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(GroupError::failed(READ, error)),
        };
        let lines = stream::iter(numbers).map(read).buffered(AT_A_TIME);
        lines.try_filter_map(async |line| Ok(line))
    }

    /// Reads what is new in the stream, and forgets what was removed from it.
    async fn refresh(&self) -> Result<(), GroupError> {
        let state = self.0.stream.get_info().await.in_group(READ)?.state;
        let removed = state.deleted_count.unwrap_or_default();
        let (read_to, is_less) = {
            let mut known = self.known();
            if state.last_sequence < known.read_to {
                // An empty stream whose server was killed counts from 1 again.
                known.index = DeadLetterIndex::new(self.0.max);
                known.read_to = 0;
            }
            let is_less = (known.first, known.removed) != (state.first_sequence, removed);
            (known.read_to, is_less)
        };
        if is_less {
            let info = self.0.stream.info_builder().with_deleted(true);
            let info = info.fetch().await.in_group(READ)?;
            let gone: BTreeSet<u64> = info.info.state.deleted.iter().flatten().copied().collect();
            let mut known = self.known();
            known.index.keep_existing(state.first_sequence, &gone);
            (known.first, known.removed) = (state.first_sequence, removed);
        }
        if read_to < state.last_sequence {
            self.read_after(read_to, state.last_sequence).await?;
        }
        if is_less || read_to < state.last_sequence {
            self.show_rows();
        }
        Ok(())
    }

    /// Reads the messages after `read_to`; of many the newest.
    async fn read_after(&self, read_to: u64, last: u64) -> Result<(), GroupError> {
        let newest = last.saturating_sub(self.0.max as u64);
        let consumer = self.0.stream.create_consumer(pull::Config {
            ack_policy: AckPolicy::None,
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: read_to.max(newest) + 1,
            },
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: Duration::from_secs(30),
            ..pull::Config::default()
        });
        let consumer = consumer.await.in_group(READ)?;
        let (mut pending, mut is_quiet) = (1, false);
        while pending > 0 && !is_quiet {
            let batch = consumer.fetch().max_messages(BATCH).expires(QUIET);
            let mut messages = batch.messages().await.in_group(READ)?;
            is_quiet = true;
            while let Some(message) = messages.next().await {
                let message = message.in_group(READ)?;
                let info = message.info().in_group(READ)?;
                (pending, is_quiet) = (info.pending, false);
                let mut known = self.known();
                known.read_to = info.stream_sequence;
                match DeadLetterKey::from_line(&String::from_utf8_lossy(&message.payload)) {
                    Ok(key) => known.index.add(info.stream_sequence, key),
                    Err(error) => {
                        let number = info.stream_sequence;
                        tracing::warn!("dead letter {number} can't be read: {error}");
                    }
                }
                if pending == 0 {
                    break;
                }
            }
        }
        // What was removed behind the last message is not read.
        let mut known = self.known();
        known.read_to = known.read_to.max(last);
        Ok(())
    }

    fn show_rows(&self) {
        let rows = self.known().index.rows();
        self.0.rows.send_replace(Arc::new(rows));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an export is incomplete.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The dead letters can't be read.
    #[error(transparent)]
    Read(#[from] GroupError),
    /// They can't be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// The part of a dead letter's line that is published again.
#[derive(Deserialize)]
struct EventOfLine<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
}

/// The line of a dead letter, with its number in the stream: what was published could not say it.
fn numbered(number: u64, published: &[u8]) -> String {
    let line = String::from_utf8_lossy(published);
    line.replacen("\"number\":0", &format!("\"number\":{number}"), 1)
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
