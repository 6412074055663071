//! The item of an event.

use crate::amplitude::json;
use crate::customerio::item::{Item, Route, WrittenItem};
use crate::customerio::sizes::BATCH_ITEM_BYTES;

use super::item_body;
use super::mapped::Mapped;
use super::person::Person;

impl Mapped<'_> {
    /// The event as an item of its own. None if the person or the time is missing, which the limits
    /// reject.
    pub fn item(self) -> Option<Item> {
        let (block, item) = self.into_item();
        item.map(|item| item.in_block(&block.into()))
    }

    /// Returns the block with the finished body of an item, or without the event if the person or the
    /// time is missing.
    pub fn into_item(mut self) -> (Vec<u8>, Option<WrittenItem>) {
        let is_sent_by_v1 = self.is_sent_by_v1();
        let mut block = std::mem::take(&mut self.block);
        let Some((person, seconds)) = self.addressee() else {
            block.truncate(self.body_at);
            return (block, None);
        };
        let route = if is_sent_by_v1 {
            let attributes = block.split_off(self.attributes_at);
            block.truncate(self.body_at);
            self.write_v1(&mut block, &attributes, person, seconds)
        } else {
            block.push(b'}');
            Route::Batch
        };
        let item = WrittenItem {
            id: self.id,
            person: person.hash(),
            route,
            body: self.body_at..block.len(),
        };
        (block, Some(item))
    }

    /// Returns the block without the event.
    pub fn into_block(mut self) -> Vec<u8> {
        self.block.truncate(self.body_at);
        self.block
    }

    /// Whether the event exceeds a batch item, and so is sent by v1. False if it can't be sent.
    pub fn is_sent_by_v1(&self) -> bool {
        self.addressee().is_some() && self.block.len() - self.body_at + 1 > BATCH_ITEM_BYTES
    }

    /// The person and the time in seconds; none if one is missing.
    fn addressee(&self) -> Option<(&Person<'_>, i64)> {
        self.person.as_ref().zip(self.timestamp())
    }

    /// Writes the body of v2 up to the attributes, which one closing brace follows.
    pub(super) fn write_head(&mut self) {
        let mut block = std::mem::take(&mut self.block);
        if let Some((person, seconds)) = self.addressee() {
            item_body::open(&mut block, "event", person);
            block.extend_from_slice(br#","name":"#);
            json::push_string(&mut block, &self.name);
            self.push_time_and_id(&mut block, seconds);
            block.extend_from_slice(br#","attributes":"#);
        }
        self.attributes_at = block.len();
        self.block = block;
    }

    /// Writes the body of v1, and returns the route.
    fn write_v1(
        &self,
        body: &mut Vec<u8>,
        attributes: &[u8],
        person: &Person<'_>,
        seconds: i64,
    ) -> Route {
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
        body.extend_from_slice(attributes);
        body.push(b'}');
        Route::V1 { put: false, path }
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
            let v2_bytes = mapped.block.len() + 1;
            let is_sent_by_v1 = mapped.is_sent_by_v1();
            let alone = mapped.item().unwrap();
            let is_batch = alone.route == Route::Batch;
            assert_eq!(is_batch, !is_sent_by_v1, "{v2_bytes} bytes");
            assert_eq!(is_batch, v2_bytes <= BATCH_ITEM_BYTES, "{v2_bytes} bytes");
            let other = b"the body before".to_vec();
            let mapped = Mapping::default().map(&Reading::new(&event), other.clone());
            let (block, written) = mapped.into_item();
            assert!(block.starts_with(&other));
            assert_eq!(written.unwrap().in_block(&block.into()), alone);
            let mapped = Mapping::default().map(&Reading::new(&event), other.clone());
            assert_eq!(mapped.into_block(), other);
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
