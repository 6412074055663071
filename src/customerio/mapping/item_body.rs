//! The parts that events and identifies share when they become items.

use bytes::Bytes;

use crate::amplitude::json;
use crate::customerio::item::{Item, Route};

use super::mapped::Mapped;
use super::person::Person;

/// Begins the body of a v2 item with its type, action and person.
pub(super) fn open(body: &mut Vec<u8>, action: &str, person: &Person<'_>) {
    for part in [
        r#"{"type":"person","action":""#,
        action,
        r#"","identifiers":{""#,
        person.key(),
        r#"":"#,
    ] {
        body.extend_from_slice(part.as_bytes());
    }
    json::push_string(body, person.value());
    body.push(b'}');
}

/// Adds the time as Unix seconds.
pub(super) fn push_timestamp(body: &mut Vec<u8>, seconds: i64) {
    body.extend_from_slice(br#","timestamp":"#);
    serde_json::to_writer(body, &seconds).expect("writing a number into memory cannot fail");
}

/// Makes an item of a finished body.
pub(super) fn finish(
    mapped: &Mapped<'_>,
    person: &Person<'_>,
    route: Route,
    body: Vec<u8>,
) -> Item {
    Item {
        id: mapped.id,
        person: person.hash(),
        route,
        body: Bytes::from(body),
    }
}
