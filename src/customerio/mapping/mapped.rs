//! An event as it would be sent.

use std::borrow::Cow;

use ulid::Ulid;

use crate::amplitude::event::trimmed;
use crate::amplitude::time::{TimeError, UnixMs};
use crate::amplitude::{Event, Reading};
use crate::customerio::dedupe;

use super::attributes;
use super::person::{self, Person};
use super::settings::Mapping;

/// An event as it would be sent, before the limits are checked.
#[derive(Debug)]
pub struct Mapped<'e> {
    /// The event's name, without surrounding spaces, which Customer.io trims.
    pub name: Cow<'e, str>,
    /// The person; none if the event names none.
    pub person: Option<Person<'e>>,
    /// The time of the event; the time of receipt if it has none.
    pub time: Result<UnixMs, TimeError>,
    /// Whether the event has a time of its own.
    pub has_time: bool,
    /// The dedupe id.
    pub id: Ulid,
    /// The block that the event's body is written to: the attributes at its end, before them the
    /// beginning of a body of v2, if there is a person and a time, and then the bodies before it.
    pub(super) block: Vec<u8>,
    /// The position of the body in the block.
    pub(super) body_at: usize,
    /// The position of the attributes in the block.
    pub(super) attributes_at: usize,
}

impl Mapping {
    /// Maps an event. Its body is written to the end of `block`.
    pub fn map<'e>(&self, reading: &Reading<'e>, block: Vec<u8>) -> Mapped<'e> {
        let event = reading.event();
        let time = event.time();
        let mut mapped = Mapped {
            name: event.event_type().and_then(trimmed).unwrap_or_default(),
            person: person::of(self, reading),
            id: dedupe::id(event),
            has_time: time != Err(TimeError::Missing),
            time: or_receipt(time, event),
            body_at: block.len(),
            attributes_at: block.len(),
            block,
        };
        mapped.write_head();
        attributes::write(self, reading, &mut mapped.block);
        mapped
    }
}

/// Replaces a missing time by the time of receipt: Customer.io and Amplitude take an event without
/// a time as one of now.
fn or_receipt(time: Result<UnixMs, TimeError>, event: &Event) -> Result<UnixMs, TimeError> {
    match time {
        Err(TimeError::Missing) => Ok(event.received_ms()),
        time => time,
    }
}

impl Mapped<'_> {
    /// The attributes: a JSON object.
    pub fn attributes(&self) -> &[u8] {
        &self.block[self.attributes_at..]
    }

    /// The time that is sent, in Unix seconds.
    pub fn timestamp(&self) -> Option<i64> {
        self.time.as_ref().ok().map(|ms| ms.div_euclid(1000))
    }
}
