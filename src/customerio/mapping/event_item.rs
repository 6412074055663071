//! The item of an event.

use crate::amplitude::json;
use crate::customerio::item::{Item, Route};
use crate::customerio::sizes::BATCH_ITEM_BYTES;

use super::item_body;
use super::mapped::Mapped;
use super::person::Person;

impl Mapped<'_> {
    /// The event as an item: by v2, or by v1 if it exceeds a batch item. None if the person or the
    /// time is missing, which the limits reject.
    pub fn item(&self) -> Option<Item> {
        let person = self.person.as_ref()?;
        let seconds = self.timestamp()?;
        let mut body = Vec::with_capacity(self.attributes.len() + self.name.len() + 200);
        item_body::open(&mut body, "event", person);
        body.extend_from_slice(br#","name":"#);
        json::push_string(&mut body, &self.name);
        self.push_time_and_id(&mut body, seconds);
        body.extend_from_slice(br#","attributes":"#);
        body.extend_from_slice(&self.attributes);
        body.push(b'}');
        if body.len() <= BATCH_ITEM_BYTES {
            return Some(item_body::finish(self, person, Route::Batch, body));
        }
        let path = self.write_v1(&mut body, person, seconds);
        let route = Route::V1 { put: false, path };
        Some(item_body::finish(self, person, route, body))
    }

    /// Replaces the body by that of v1, and returns the path.
    fn write_v1(&self, body: &mut Vec<u8>, person: &Person<'_>, seconds: i64) -> String {
        body.clear();
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
        let id = self.id;
        body.extend_from_slice(format!(r#","timestamp":{seconds},"id":"{id}""#).as_bytes());
    }
}
