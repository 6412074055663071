//! What is ready to be sent: one event, or one identify, and the request that can carry it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::amplitude::json;

use super::person::Person;
use super::{super::sizes, Mapped};

/// Which request carries an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Route {
    /// With others in `POST /api/v2/batch`.
    Batch,
    /// Alone, to v1, because it is over the 32 kB of a batch item.
    V1 {
        /// `POST`, or `PUT` for an identify.
        put: bool,
        /// The path behind the server, percent-encoded.
        path: String,
    },
}

/// What is ready to be sent: one event, or one identify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The dedupe id; the event's own, for an identify too, though it is not sent with one.
    pub id: Ulid,
    /// Which person it is about, hashed: items of one person keep their order.
    pub person: u64,
    /// The request that carries it.
    pub route: Route,
    /// The JSON to send.
    pub body: Bytes,
}

impl Mapped<'_> {
    /// The event as an item, by the request that can carry it. Nothing where the person or
    /// the time is missing, which the limits reject before.
    pub fn item(&self) -> Option<Item> {
        let person = self.person.as_ref()?;
        let seconds = self.timestamp()?;
        let mut body = Vec::with_capacity(self.attributes.len() + self.name.len() + 200);
        open_item(&mut body, "event", person);
        body.extend_from_slice(br#","name":"#);
        json::push_string(&mut body, &self.name);
        self.push_stamp(&mut body, seconds);
        body.extend_from_slice(br#","attributes":"#);
        body.extend_from_slice(&self.attributes);
        body.push(b'}');
        if body.len() <= sizes::BATCH_ITEM_BYTES {
            return Some(self.finish(person, Route::Batch, body));
        }
        body.clear();
        body.extend_from_slice(br#"{"name":"#);
        json::push_string(&mut body, &self.name);
        body.extend_from_slice(br#","type":"event""#);
        self.push_stamp(&mut body, seconds);
        let path = match person {
            Person::Anonymous(id) => {
                body.extend_from_slice(br#","anonymous_id":"#);
                json::push_string(&mut body, id);
                "/api/v1/events".to_owned()
            }
            _ => format!("{}/events", person.v1_path()),
        };
        body.extend_from_slice(br#","data":"#);
        body.extend_from_slice(&self.attributes);
        body.push(b'}');
        Some(self.finish(person, Route::V1 { put: false, path }, body))
    }

    fn push_stamp(&self, body: &mut Vec<u8>, seconds: i64) {
        let id = self.id;
        body.extend_from_slice(format!(r#","timestamp":{seconds},"id":"{id}""#).as_bytes());
    }

    /// An item of this event's person with a body that is written.
    pub(super) fn finish(&self, person: &Person<'_>, route: Route, body: Vec<u8>) -> Item {
        Item {
            id: self.id,
            person: person.hash(),
            route,
            body: Bytes::from(body),
        }
    }
}

/// Begins a v2 item: its type, what it does, and about whom.
pub(super) fn open_item(body: &mut Vec<u8>, action: &str, person: &Person<'_>) {
    let key = person.key();
    body.extend_from_slice(
        format!(r#"{{"type":"person","action":"{action}","identifiers":{{"{key}":"#).as_bytes(),
    );
    json::push_string(body, person.value());
    body.push(b'}');
}
