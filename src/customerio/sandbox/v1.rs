//! Reads and checks requests of v1.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::check::check_attributes;
use super::item::{Identifiers, Item};

/// Maximum size of an event's data, in bytes: Customer.io Track API v1, event limits.
const DATA_BYTES: usize = 100_000;

/// The body of v1's event requests.
#[derive(Debug, Deserialize)]
struct EventBody<'a> {
    #[serde(default, borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default, borrow)]
    id: Cow<'a, str>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
    #[serde(default, borrow)]
    anonymous_id: Option<Cow<'a, str>>,
}

/// Reads an event of `customer`, or of the anonymous person that the body names.
pub(super) fn event<'a>(
    customer: Option<&'a str>,
    body: &'a [u8],
) -> Result<Item<'a>, Vec<String>> {
    let event: EventBody<'a> = serde_json::from_slice(body).map_err(|e| vec![e.to_string()])?;
    let mut errors = Vec::new();
    match customer.or(event.anonymous_id.as_deref()) {
        None | Some("") => errors.push("anonymous_id is required".to_owned()),
        Some(id) if id.len() > 150 => {
            errors.push("customer id is too long, maximum 150 bytes".to_owned());
        }
        Some(_) => {}
    }
    match event.name.trim() {
        "" => errors.push("name is required".to_owned()),
        name if name.len() > 100 => {
            errors.push("event name is too long, maximum 100 bytes".to_owned());
        }
        _ => {}
    }
    if event.data.is_some_and(|data| data.get().len() > DATA_BYTES) {
        errors.push(format!(
            "event data is too large, maximum {DATA_BYTES} bytes"
        ));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Item {
        kind: Cow::Borrowed("person"),
        action: Cow::Borrowed("event"),
        identifiers: Identifiers {
            id: customer.map(Cow::Borrowed),
            anonymous_id: event.anonymous_id,
            ..Identifiers::default()
        },
        name: event.name,
        timestamp: event.timestamp,
        id: event.id,
        attributes: event.data,
    })
}

/// Reads an identify of `customer`.
pub(super) fn identify<'a>(customer: &'a str, body: &'a [u8]) -> Result<Item<'a>, Vec<String>> {
    let attributes: &RawValue = serde_json::from_slice(body).map_err(|e| vec![e.to_string()])?;
    let mut errors = Vec::new();
    check_attributes(Some(attributes), &mut errors);
    if !errors.is_empty() {
        return Err(errors.into_iter().map(|error| error.message).collect());
    }
    Ok(Item {
        kind: Cow::Borrowed("person"),
        action: Cow::Borrowed("identify"),
        identifiers: Identifiers {
            id: Some(Cow::Borrowed(customer)),
            ..Identifiers::default()
        },
        attributes: Some(attributes),
        ..Item::default()
    })
}
