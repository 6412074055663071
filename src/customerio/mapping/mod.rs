//! From an Amplitude event to what Customer.io takes.
//!
//! Every event becomes an `event` of the person that its `user_id` names, page and screen
//! views too: with its event properties at the top of the attributes, and user properties,
//! group properties and groups beside them under those names. JSON types stay, because raw
//! values are copied and not written anew. Whatever leaves passes the [`selection`].

mod attributes;
mod identify;
mod item;
mod person;
mod selection;
mod settings;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use ulid::Ulid;

use crate::amplitude::event::trimmed;
use crate::amplitude::time::{TimeError, UnixMs};
use crate::amplitude::{Event, Reading};

use super::dedupe;

pub use identify::{Identify, IdentifyItem, Operation};
pub use item::{Item, Route};
pub use person::Person;
pub use settings::{Anonymous, Dates, Layout, Mapping, Problem};

/// An event as it would be sent, before it is decided whether it is.
#[derive(Debug)]
pub struct Mapped<'e> {
    /// The event's name, without the spaces that Customer.io would trim.
    pub name: Cow<'e, str>,
    /// The person, or none where the event names none.
    pub person: Option<Person<'e>>,
    /// When it happened; the time of receipt where the event has none.
    pub time: Result<UnixMs, TimeError>,
    /// Whether the event says itself when it happened.
    pub has_time: bool,
    /// The dedupe id.
    pub id: Ulid,
    /// The attributes: a JSON object.
    pub attributes: Vec<u8>,
    /// Where in the event the value of the person's identifier stands.
    pub person_path: String,
}

impl Mapping {
    /// Maps an event. `attributes` is a buffer to write into; what it holds is cleared.
    pub fn map<'e>(&self, reading: &Reading<'e>, mut attributes: Vec<u8>) -> Mapped<'e> {
        let event = reading.event();
        attributes.clear();
        attributes::write(self, reading, &mut attributes);
        let time = event.time();
        Mapped {
            name: event.event_type().and_then(trimmed).unwrap_or_default(),
            person: person::of(self, reading),
            id: dedupe::id(event),
            has_time: time != Err(TimeError::Missing),
            time: or_receipt(time, event),
            attributes,
            person_path: self.person.clone(),
        }
    }
}

/// Customer.io and Amplitude take an event without a time as one of now.
fn or_receipt(time: Result<UnixMs, TimeError>, event: &Event) -> Result<UnixMs, TimeError> {
    match time {
        Err(TimeError::Missing) => Ok(event.received_ms()),
        time => time,
    }
}

impl Mapped<'_> {
    /// The time that is sent, in Unix seconds.
    pub fn timestamp(&self) -> Option<i64> {
        self.time.as_ref().ok().map(|ms| ms.div_euclid(1000))
    }
}
