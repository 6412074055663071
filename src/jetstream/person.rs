//! The partition and the id of an event.

use async_nats::HeaderMap;
use bytestring::ByteString;

use crate::amplitude::Event;
use crate::amplitude::frame::{Events, Progress};
use crate::customerio::dedupe;

/// Where an event goes in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) partition: u16,
    /// The dedupe id, by which `JetStream` recognizes an event that it has; none for what is no event.
    pub(super) id: Option<String>,
}

impl Target {
    /// The target of a text, which is one event. A text that is no event is published all the same: a
    /// member shows it as malformed.
    pub(super) fn of(text: &ByteString, partitions: u16) -> Self {
        let mut events = Events::new(text, 0, "");
        let Some(Progress::Found(Ok(event))) = events.advance() else {
            return Self {
                partition: partition(text.as_bytes(), partitions),
                id: None,
            };
        };
        let id = dedupe::id(&event).to_string();
        Self {
            partition: partition_of(&event, &id, partitions),
            id: Some(id),
        }
    }

    /// The headers of its message.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(id) = &self.id {
            headers.insert(async_nats::header::NATS_MESSAGE_ID, id.as_str());
        }
        headers
    }
}

/// The partition of an event: of its user, else of its device, else of its id. All events of a person
/// are in one partition, which keeps their order.
fn partition_of(event: &Event, id: &str, partitions: u16) -> u16 {
    let person = event.user_id().or_else(|| event.device_id());
    match person {
        Some(person) => partition(person.as_bytes(), partitions),
        None => partition(id.as_bytes(), partitions),
    }
}

/// CRC-32, which every language has, so that other publishers can do the same.
fn partition(key: &[u8], partitions: u16) -> u16 {
    (crc32fast::hash(key) % u32::from(partitions.max(1))) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_partition_and_people_are_spread() {
        let of = |text: &str| Target::of(&text.into(), 64);
        let ann = of(r#"{"event_type":"a","user_id":"ann","device_id":"d1","insert_id":"1"}"#);
        let later = of(r#"{"event_type":"b","user_id":"ann","device_id":"d2","insert_id":"2"}"#);
        assert_eq!(ann.partition, later.partition);
        assert_ne!(ann.id, later.id);
        // Other publishers rely on it.
        assert_eq!(u32::from(ann.partition), crc32fast::hash(b"ann") % 64);
        let mut counts = [0_u32; 64];
        for n in 0..64_000 {
            let text = format!(r#"{{"event_type":"a","user_id":"u-{n}"}}"#);
            counts[usize::from(of(&text).partition)] += 1;
        }
        assert!(
            counts.iter().all(|count| (800..1_200).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn what_is_no_event_is_published_without_an_id() {
        assert_eq!(Target::of(&"no event".into(), 64).id, None);
    }
}
