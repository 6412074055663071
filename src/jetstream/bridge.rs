//! From a feed into a group's stream.

use std::time::Duration;

use bytestring::ByteString;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::amplitude::Event;
use crate::amplitude::frame::{Events, Progress};
use crate::feed::{Feed, FeedChannel, FeedStatus, Frames, MessageId};

use super::error::{GroupError, InGroup as _};
use super::names;
use super::publisher::Publisher;

/// Delay before a publication that failed is tried again.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// The id before the first message of a relay's log.
const BEGINNING: &str = "00000000-0000-0000-0000-000000000000";
/// The field of a message that has its id.
const ID_FIELD: &str = "message_id";

/// The report of a bridge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BridgeReport {
    /// Events that were published.
    pub published: u64,
    /// Parts of messages that are no events; they are left out.
    pub malformed: u64,
    /// Events that are larger than the servers take; they are left out. Customer.io takes none of that
    /// size.
    pub too_large: u64,
}

/// Publishes the events of a feed in their order, until `stop` is cancelled and everything that was
/// received is published. While the servers can't be reached it waits, and the feed with it.
///
/// With `source`, the group remembers how far the feed was published under this name, and a later bridge
/// goes on there; the first one begins with the oldest message that the feed has.
pub async fn bridge(
    feed: Box<dyn Feed>,
    publisher: &Publisher,
    source: Option<&str>,
    stop: CancellationToken,
) -> Result<BridgeReport, GroupError> {
    let key = source.map(names::source);
    let last = match &key {
        Some(key) => Some(position(publisher, key).await?),
        None => None,
    };
    let (received, last_received) = watch::channel(last);
    let (safe, acknowledge) = watch::channel(None);
    let (status, _status) = watch::channel(FeedStatus::default());
    let (channel, mut frames) = FeedChannel::new(last_received, acknowledge, status);
    let feed = tokio::spawn(feed.run(channel));
    let mut report = BridgeReport::default();
    while let Some(batch) = next(&mut frames, &stop).await {
        let taken = Taken::of(batch, publisher.max_bytes(), &mut report);
        publish(publisher, &taken.events).await?;
        if let Some(last) = taken.last {
            received.send_replace(Some(last.clone()));
            safe.send_replace(Some(last.clone()));
            if let Some(key) = &key {
                remember(publisher, key, &last).await;
            }
        }
    }
    feed.abort();
    Ok(report)
}

async fn next(frames: &mut mpsc::Receiver<Frames>, stop: &CancellationToken) -> Option<Frames> {
    tokio::select! {
        batch = frames.recv() => batch,
        () = stop.cancelled(), if !frames.is_closed() => {
            frames.close();
            frames.recv().await
        }
    }
}

/// The events of some frames, and the last message among them.
#[derive(Default)]
struct Taken {
    events: Vec<ByteString>,
    last: Option<MessageId>,
}

impl Taken {
    fn of(batch: Frames, max_bytes: usize, report: &mut BridgeReport) -> Self {
        let mut taken = Self::default();
        for frame in batch.frames {
            let Ok(text) = frame.text else {
                report.malformed += 1;
                continue;
            };
            let mut events = Events::new(&text, frame.received_ms, ID_FIELD);
            while let Some(progress) = events.advance() {
                match progress {
                    Progress::Found(Ok(event)) if event.size_bytes() > max_bytes => {
                        let bytes = event.size_bytes();
                        let error = GroupError::TooLarge { bytes, max_bytes };
                        tracing::error!("an event is left out: {error}");
                        report.too_large += 1;
                    }
                    Progress::Found(Ok(event)) => taken.add(&event),
                    Progress::Found(Err(malformed)) => report.malformed += malformed.parts,
                    Progress::Counted(_) => {}
                }
            }
        }
        report.published += taken.events.len() as u64;
        taken
    }

    fn add(&mut self, event: &Event) {
        if let Some(id) = event.message_id() {
            self.last = Some(id.as_ref().into());
        }
        self.events.push(event.shared_text().clone());
    }
}

/// Publishes events, as often as it takes. What can never be published is an error.
async fn publish(publisher: &Publisher, events: &[ByteString]) -> Result<(), GroupError> {
    loop {
        match publisher.publish(events).await {
            Err(error @ GroupError::Request { .. }) => {
                tracing::warn!("{error}; it is tried again, in order");
                tokio::time::sleep(RETRY_DELAY).await;
            }
            other => return other,
        }
    }
}

async fn position(publisher: &Publisher, key: &str) -> Result<MessageId, GroupError> {
    let what = "read how far a relay was published";
    let found = publisher
        .connection()
        .bucket
        .get(key)
        .await
        .in_group(what)?;
    let text = found.and_then(|text| String::from_utf8(text.to_vec()).ok());
    Ok(text.unwrap_or_else(|| BEGINNING.to_owned()).into())
}

/// Notes how far the feed was published. If that fails, the stream recognizes what comes again.
async fn remember(publisher: &Publisher, key: &str, last: &MessageId) {
    let text = last.as_bytes().to_vec().into();
    if let Err(error) = publisher.connection().bucket.put(key, text).await {
        tracing::debug!("NATS: a relay's position is not written: {error}");
    }
}
