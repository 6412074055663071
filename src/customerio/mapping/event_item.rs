//! The item of an event.

use crate::amplitude::json;
use crate::customerio::item::{Item, Route, WrittenItem};
use crate::customerio::sizes::BATCH_ITEM_BYTES;

use super::item_body;
use super::mapped::Mapped;
use super::person::Person;

/// Upper bound of an item's bytes besides its name, person and attributes.
const FIXED_BYTES: usize = 200;
/// Maximum bytes that JSON takes for one: `\u0000`.
const MAX_ESCAPED_BYTES: usize = 6;

impl Mapped<'_> {
    /// The event as an item of its own. None if the person or the time is missing, which the limits
    /// reject.
    pub fn item(&self) -> Option<Item> {
        let mut body = Vec::new();
        let written = self.write_item(&mut body)?;
        Some(written.in_block(&body.into()))
    }

    /// Writes the event as an item to the end of `block`: by v2, or by v1 if it exceeds a batch item.
    /// None, and nothing is written, if the person or the time is missing.
    pub fn write_item(&self, block: &mut Vec<u8>) -> Option<WrittenItem> {
        let (person, seconds) = self.addressee()?;
        let start = block.len();
        block.reserve(self.attributes.len() + self.name.len() + FIXED_BYTES);
        let route = if self.is_sent_by_v1() {
            let path = self.write_v1(block, person, seconds);
            Route::V1 { put: false, path }
        } else {
            self.write_v2_head(block, person, seconds);
            block.extend_from_slice(&self.attributes);
            block.push(b'}');
            Route::Batch
        };
        Some(WrittenItem {
            id: self.id,
            person: person.hash(),
            route,
            body: start..block.len(),
        })
    }

    /// Whether the event exceeds a batch item, and so is sent by v1. False if it can't be sent. It
    /// follows from sizes: nothing is serialized but, near the limit, the name and the person.
    pub fn is_sent_by_v1(&self) -> bool {
        let Some((person, seconds)) = self.addressee() else {
            return false;
        };
        let strings = self.name.len() + person.value().len();
        let upper_bound = self.attributes.len() + strings * MAX_ESCAPED_BYTES + FIXED_BYTES;
        if upper_bound <= BATCH_ITEM_BYTES {
            return false;
        }
        let mut head = Vec::new();
        self.write_v2_head(&mut head, person, seconds);
        head.len() + self.attributes.len() + 1 > BATCH_ITEM_BYTES
    }

    /// The person and the time in seconds; none if one is missing.
    fn addressee(&self) -> Option<(&Person<'_>, i64)> {
        self.person.as_ref().zip(self.timestamp())
    }

    /// Writes the body of v2 up to the attributes, which one closing brace follows.
    fn write_v2_head(&self, body: &mut Vec<u8>, person: &Person<'_>, seconds: i64) {
        item_body::open(body, "event", person);
        body.extend_from_slice(br#","name":"#);
        json::push_string(body, &self.name);
        self.push_time_and_id(body, seconds);
        body.extend_from_slice(br#","attributes":"#);
    }

    /// Writes the body of v1, and returns the path.
    fn write_v1(&self, body: &mut Vec<u8>, person: &Person<'_>, seconds: i64) -> String {
        body.extend_from_slice(br#"{"name":"#);
        json::push_string(body, &self.name);
        body.extend_from_slice(br#","type":"event""#);
        self.push_time_and_id(body, seconds);
        let path = match person {
            Person::Anonymous(id) => {
                body.extend_from_slice(br#","anonymous_id":"#);
                json::push_string(body, id);
                "/api/v1/events".to_owned()
            }
            _ => format!("{}/events", person.v1_path()),
        };
        body.extend_from_slice(br#","data":"#);
        body.extend_from_slice(&self.attributes);
        body.push(b'}');
        path
    }

    fn push_time_and_id(&self, body: &mut Vec<u8>, seconds: i64) {
        item_body::push_timestamp(body, seconds);
        body.extend_from_slice(br#","id":""#);
        let mut id = [0; ulid::ULID_LEN];
        body.extend_from_slice(self.id.array_to_str(&mut id).as_bytes());
        body.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::Reading;
    use crate::amplitude::frame::tests_support::event;
    use crate::customerio::mapping::Mapping;

    #[test]
    fn the_route_follows_from_the_size_of_the_v2_body() {
        let v2_bytes = |text: &str| {
            let event = event(text);
            let mapped = Mapping::default().map(&Reading::new(&event), Vec::new());
            let (person, seconds) = mapped.addressee().unwrap();
            let mut body = Vec::new();
            mapped.write_v2_head(&mut body, person, seconds);
            let v2_bytes = body.len() + mapped.attributes.len() + 1;
            let is_batch = mapped.item().unwrap().route == Route::Batch;
            assert_eq!(is_batch, !mapped.is_sent_by_v1(), "{v2_bytes} bytes");
            assert_eq!(is_batch, v2_bytes <= BATCH_ITEM_BYTES, "{v2_bytes} bytes");
            v2_bytes
        };
        let name = r#"\"\u0001ü\\"#.repeat(10);
        let text = |padding: usize| {
            let padding = "x".repeat(padding);
            format!(
                r#"{{"event_type":"{name}","user_id":"ü\"","time":1800000000000,"event_properties":{{"p":"{padding}"}}}}"#
            )
        };
        let empty = v2_bytes(&text(0));
        for bytes in [
            200,
            30_000,
            BATCH_ITEM_BYTES - 1,
            BATCH_ITEM_BYTES,
            BATCH_ITEM_BYTES + 1,
        ] {
            let padding = bytes.saturating_sub(empty);
            assert!(v2_bytes(&text(padding)) >= bytes);
        }
    }
}
