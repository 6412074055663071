//! Parses the requests of Amplitude and its SDKs into events.
//!
//! Amplitude documents the bodies: \*Webhooks Streaming\* (an event of the Export API, or an Identify
//! payload if users are streamed), \*HTTP V2 API\* and \*Batch Event Upload API\*. An event keeps the
//! bytes that it arrived in.

use std::collections::BTreeMap;
use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::amplitude::byte_order_mark;
use crate::amplitude::frame::Events;
use crate::amplitude::json::{self, Kind};
use crate::amplitude::time::UnixMs;

use super::refusal::{Refusal, WITH_INVALID, WITH_MISSING};
use super::throttle::Identity;
use super::webhook_mapping::WebhookMapping;

/// Maximum events of a request (HTTP V2 API, upload limits).
pub const MAX_EVENTS: usize = 2_000;

/// Decompresses a body, if it is compressed, to at most `max_bytes`.
pub fn decompress(
    body: &Bytes,
    encoding: Option<&str>,
    max_bytes: usize,
) -> Result<Bytes, Refusal> {
    match encoding.map(str::trim) {
        None | Some("" | "identity") => Ok(body.clone()),
        Some("gzip" | "x-gzip") => {
            let mut out = Vec::new();
            let mut reader = MultiGzDecoder::new(&**body).take(max_bytes as u64 + 1);
            let read = reader.read_to_end(&mut out);
            read.map_err(|_| Refusal::new(400, "The body is not gzip, or is cut off"))?;
            if out.len() > max_bytes {
                return Err(Refusal::too_large());
            }
            Ok(out.into())
        }
        Some(other) => Err(Refusal::new(
            400,
            &format!("Content-Encoding {other:?} is not supported; use gzip or none"),
        )),
    }
}

/// Parses a request to the HTTP V2 or the Batch API. Like Amplitude, refuses the whole request if one
/// event is invalid (HTTP V2 API, status codes: 400); its SDKs then drop or repair the events that
/// the answer lists, and retry the rest.
pub fn envelope(body: &[u8], now_ms: UnixMs) -> Result<Vec<String>, Refusal> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        api_key: Option<Value>,
        #[serde(borrow)]
        events: Option<Vec<&'a RawValue>>,
    }
    let envelope: Envelope<'_> = serde_json::from_slice(byte_order_mark::without_bytes(body))
        .map_err(|error| Refusal::new(400, &format!("Invalid JSON request body: {error}")))?;
    let has_key = envelope
        .api_key
        .is_some_and(|key| key.as_str().is_some_and(|key| !key.is_empty()));
    if !has_key {
        return Err(Refusal::missing("api_key"));
    }
    let events = envelope.events.ok_or_else(|| Refusal::missing("events"))?;
    if events.is_empty() {
        return Err(Refusal::missing("events"));
    }
    if events.len() > MAX_EVENTS {
        return Err(Refusal::too_large());
    }
    let (mut parsed, mut invalid) = (Vec::with_capacity(events.len()), InvalidEvents::default());
    for (index, event) in events.iter().enumerate() {
        let has_time = invalid.check(index, event.get());
        parsed.push(with_time(event.get(), has_time, now_ms));
    }
    match invalid.refusal() {
        Some(refusal) => Err(refusal),
        None => Ok(parsed),
    }
}

/// The indices of the events with a missing or invalid field, by field.
type EventsByField = BTreeMap<&'static str, Vec<usize>>;

/// The events of an envelope that Amplitude would not accept.
#[derive(Default)]
struct InvalidEvents {
    missing: EventsByField,
    invalid: EventsByField,
}

impl InvalidEvents {
    /// Checks an event, and returns whether it has a time.
    fn check(&mut self, index: usize, raw: &str) -> bool {
        let entries = json::entries(raw).unwrap_or_default();
        let value = |name: &str| {
            let found = entries.iter().rev().find(|(key, _)| key == name);
            let found = found.map(|(_, raw)| *raw);
            found.filter(|raw| !matches!(*raw, "null" | r#""""#))
        };
        let has = |name: &str| value(name).is_some();
        if !has("event_type") {
            self.missing.entry("event_type").or_default().push(index);
        }
        if !has("user_id") && !has("device_id") {
            self.missing.entry("user_id").or_default().push(index);
        }
        for (field, kind) in FIELD_TYPES {
            if value(field).is_some_and(|raw| json::kind(raw) != kind) {
                self.invalid.entry(field).or_default().push(index);
            }
        }
        has("time") || has("event_time")
    }

    /// The refusal that lists them; none if all events are valid.
    fn refusal(self) -> Option<Refusal> {
        let error = match (self.missing.is_empty(), self.invalid.is_empty()) {
            (true, true) => return None,
            (true, false) => "Invalid field values on some events",
            (false, _) => "Request missing required field",
        };
        let mut refusal = Refusal::new(400, error);
        for (name, events) in [(WITH_MISSING, self.missing), (WITH_INVALID, self.invalid)] {
            if !events.is_empty() {
                refusal.body[name] = json!(events);
            }
        }
        Some(refusal)
    }
}

/// The type of a field, if an event has it (HTTP V2 API, event properties).
const FIELD_TYPES: [(&str, Kind); 6] = [
    ("event_type", Kind::String),
    ("time", Kind::Number),
    ("event_properties", Kind::Object),
    ("user_properties", Kind::Object),
    ("groups", Kind::Object),
    ("group_properties", Kind::Object),
];

/// The answer to an accepted HTTP V2 or Batch request.
pub fn accepted(events: usize, bytes: usize, now_ms: UnixMs) -> Value {
    json!({
        "code": 200,
        "events_ingested": events,
        "payload_size_bytes": bytes,
        "server_upload_time": now_ms,
    })
}

/// Returns the user and device of an event.
pub fn identity(event: &str) -> Identity {
    #[derive(Deserialize)]
    struct Ids {
        user_id: Option<Value>,
        device_id: Option<Value>,
    }
    let Ok(ids) = serde_json::from_str::<Ids>(event) else {
        return Identity::default();
    };
    let text = |value: Option<Value>| match value? {
        Value::String(text) => (!text.is_empty()).then_some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Identity {
        user: text(ids.user_id),
        device: text(ids.device_id),
    }
}

/// The events of a webhook, and its invalid elements.
#[derive(Debug, Default, PartialEq)]
pub struct Webhook {
    /// The events.
    pub events: Vec<String>,
    /// Number of elements that are not events.
    pub broken: u64,
    /// The error of the first of them.
    pub why: Option<Refusal>,
}

/// Parses a webhook: one event, an array of events, or several events in a row, each mapped by
/// `mapping`. An object of a user without an event type is the Identify payload that Amplitude sends
/// if users are streamed.
///
/// An invalid element is skipped: a retry would send the same element again, and block the events
/// beside it. A request without any valid element is refused.
pub fn webhook(body: &[u8], mapping: &WebhookMapping, now_ms: UnixMs) -> Result<Webhook, Refusal> {
    let invalid = |why: &str| Refusal::new(400, &format!("Invalid JSON request body: {why}"));
    let text = std::str::from_utf8(body).map_err(|error| invalid(&error.to_string()))?;
    let mut parsed = Webhook::default();
    for object in Events::of_any_kind(&text.into()) {
        let (broken, why) = match object {
            Ok(object) => match webhook_event(&mapping.apply(object.text()), now_ms) {
                Ok(event) => {
                    parsed.events.push(event);
                    continue;
                }
                Err(refusal) => (1, refusal),
            },
            Err(malformed) => (malformed.parts, invalid(&malformed.to_string())),
        };
        parsed.broken += broken;
        parsed.why.get_or_insert(why);
        if parsed.events.len() > MAX_EVENTS {
            return Err(Refusal::too_large());
        }
    }
    match &parsed.why {
        _ if parsed.events.len() > MAX_EVENTS => Err(Refusal::too_large()),
        Some(why) if parsed.events.is_empty() => Err(why.clone()),
        _ => Ok(parsed),
    }
}

fn webhook_event(raw: &str, now_ms: UnixMs) -> Result<String, Refusal> {
    let Some(entries) = json::entries(raw) else {
        return Err(Refusal::new(
            400,
            "Invalid JSON request body: an event must be an object",
        ));
    };
    let has = |name: &str| {
        entries
            .iter()
            .any(|(key, value)| key == name && *value != "null")
    };
    let has_time = has("time") || has("event_time");
    if has("event_type") {
        return Ok(with_time(raw, has_time, now_ms));
    }
    if has("user_properties") && (has("user_id") || has("device_id")) {
        let raw = json::with_first(raw, "event_type", r#""$identify""#);
        return Ok(with_time(&raw, has_time, now_ms));
    }
    Err(Refusal::missing("event_type"))
}

/// Adds the time of receipt to an event without a time, as Amplitude does.
fn with_time(raw: &str, has_time: bool, now_ms: UnixMs) -> String {
    if has_time {
        raw.to_owned()
    } else {
        json::with_first(raw, "time", &now_ms.to_string())
    }
}

#[cfg(test)]
mod tests;
