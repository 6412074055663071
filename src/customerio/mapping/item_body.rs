//! The parts that events and identifies share when they become items.

use bytes::Bytes;

use crate::amplitude::json;
use crate::customerio::item::{Item, Route};

use super::mapped::Mapped;
use super::person::Person;

/// Begins the body of a v2 item with its type, action and person.
pub(super) fn open(body: &mut Vec<u8>, action: &str, person: &Person<'_>) {
    let key = person.key();
    body.extend_from_slice(
        format!(r#"{{"type":"person","action":"{action}","identifiers":{{"{key}":"#).as_bytes(),
    );
    json::push_string(body, person.value());
    body.push(b'}');
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
