//! What Amplitude and its SDKs send, taken apart into events; and what they are answered.
//!
//! Bodies are those of Amplitude's documentation: *Webhooks Streaming* (the Export event, or an
//! Identify payload where users are streamed), *HTTP V2 API* and *Batch Event Upload API*. Each
//! event goes on with the bytes that it came in.

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
use super::shape::Shape;
use super::throttle::Who;

/// The most events of a request (HTTP V2 API, upload limits).
pub const MOST_EVENTS: usize = 2_000;

/// The body as it was before it was compressed, if it was.
pub fn unpacked(body: &Bytes, encoding: Option<&str>, most: usize) -> Result<Bytes, Refusal> {
    match encoding.map(str::trim) {
        None | Some("" | "identity") => Ok(body.clone()),
        Some("gzip" | "x-gzip") => {
            let mut out = Vec::new();
            let mut reader = MultiGzDecoder::new(&**body).take(most as u64 + 1);
            let read = reader.read_to_end(&mut out);
            read.map_err(|_| Refusal::new(400, "The body is no gzip, or is cut off"))?;
            if out.len() > most {
                return Err(Refusal::too_large());
            }
            Ok(out.into())
        }
        Some(other) => Err(Refusal::new(
            400,
            &format!("Content-Encoding {other:?} is not supported; send gzip, or none"),
        )),
    }
}

/// The events of a request to the HTTP V2 or the Batch API: all of them, or none where one is
/// not as it has to be, or the body is no JSON. So does Amplitude (HTTP V2 API, status codes:
/// 400), and its SDKs drop or mend what it names and send the rest again.
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
    if events.len() > MOST_EVENTS {
        return Err(Refusal::too_large());
    }
    let (mut taken, mut missing, mut invalid) = (Vec::new(), Places::new(), Places::new());
    for (index, event) in events.iter().enumerate() {
        let raw = event.get();
        let entries = json::entries(raw).unwrap_or_default();
        let value = |name: &str| {
            let found = entries.iter().rev().find(|(key, _)| key == name);
            let found = found.map(|(_, raw)| *raw);
            found.filter(|raw| !matches!(*raw, "null" | r#""""#))
        };
        let has = |name: &str| value(name).is_some();
        if !has("event_type") {
            missing.entry("event_type").or_default().push(index);
        }
        if !has("user_id") && !has("device_id") {
            missing.entry("user_id").or_default().push(index);
        }
        for (field, kind) in KINDS {
            if value(field).is_some_and(|raw| json::kind(raw) != kind) {
                invalid.entry(field).or_default().push(index);
            }
        }
        taken.push(timed(raw, has("time") || has("event_time"), now_ms));
    }
    if missing.is_empty() && invalid.is_empty() {
        return Ok(taken);
    }
    let error = if missing.is_empty() {
        "Invalid field values on some events"
    } else {
        "Request missing required field"
    };
    let mut refusal = Refusal::new(400, error);
    for (name, places) in [(WITH_MISSING, missing), (WITH_INVALID, invalid)] {
        if !places.is_empty() {
            refusal.body[name] = json!(places);
        }
    }
    Err(refusal)
}

/// The events, by their places in the request, in which a field is wrong.
type Places = BTreeMap<&'static str, Vec<usize>>;

/// What a field has to be, where an event has it (HTTP V2 API, event properties).
const KINDS: [(&str, Kind); 6] = [
    ("event_type", Kind::String),
    ("time", Kind::Number),
    ("event_properties", Kind::Object),
    ("user_properties", Kind::Object),
    ("groups", Kind::Object),
    ("group_properties", Kind::Object),
];

/// What an HTTP V2 or Batch request is answered that was taken.
pub fn accepted(events: usize, bytes: usize, now_ms: UnixMs) -> Value {
    json!({
        "code": 200,
        "events_ingested": events,
        "payload_size_bytes": bytes,
        "server_upload_time": now_ms,
    })
}

/// Who an event is of, for who counts them.
pub fn who(event: &str) -> Who {
    #[derive(Deserialize)]
    struct Ids {
        user_id: Option<Value>,
        device_id: Option<Value>,
    }
    let Ok(ids) = serde_json::from_str::<Ids>(event) else {
        return Who::default();
    };
    let text = |value: Option<Value>| match value? {
        Value::String(text) => (!text.is_empty()).then_some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Who {
        user: text(ids.user_id),
        device: text(ids.device_id),
    }
}

/// The events of a webhook, and what of it could not be taken.
#[derive(Debug, Default, PartialEq)]
pub struct Webhook {
    /// The events.
    pub events: Vec<String>,
    /// How many elements are no events.
    pub broken: u64,
    /// What is wrong with the first of them.
    pub why: Option<Refusal>,
}

/// The events of a webhook: one, an array of them, or several one behind the other, each of this
/// shape. What has no type and tells of a user is the Identify payload that Amplitude sends where
/// users are streamed.
///
/// A broken element costs itself only: whoever sends it would send the same again, and the events
/// beside it would be lost with it. Where nothing can be taken, the request is refused.
pub fn webhook(body: &[u8], shape: &Shape, now_ms: UnixMs) -> Result<Webhook, Refusal> {
    let invalid = |why: &str| Refusal::new(400, &format!("Invalid JSON request body: {why}"));
    let text = std::str::from_utf8(body).map_err(|error| invalid(&error.to_string()))?;
    let mut taken = Webhook::default();
    for object in Events::of_any_kind(&text.into()) {
        let (broken, why) = match object {
            Ok(object) => match streamed(&shape.apply(object.text()), now_ms) {
                Ok(event) => {
                    taken.events.push(event);
                    continue;
                }
                Err(refusal) => (1, refusal),
            },
            Err(malformed) => (malformed.parts, invalid(&malformed.to_string())),
        };
        taken.broken += broken;
        taken.why.get_or_insert(why);
        if taken.events.len() > MOST_EVENTS {
            return Err(Refusal::too_large());
        }
    }
    match &taken.why {
        _ if taken.events.len() > MOST_EVENTS => Err(Refusal::too_large()),
        Some(why) if taken.events.is_empty() => Err(why.clone()),
        _ => Ok(taken),
    }
}

fn streamed(raw: &str, now_ms: UnixMs) -> Result<String, Refusal> {
    let Some(entries) = json::entries(raw) else {
        return Err(Refusal::new(
            400,
            "Invalid JSON request body: an event is an object",
        ));
    };
    let has = |name: &str| {
        entries
            .iter()
            .any(|(key, value)| key == name && *value != "null")
    };
    let is_timed = has("time") || has("event_time");
    if has("event_type") {
        return Ok(timed(raw, is_timed, now_ms));
    }
    if has("user_properties") && (has("user_id") || has("device_id")) {
        let raw = json::with_first(raw, "event_type", r#""$identify""#);
        return Ok(timed(&raw, is_timed, now_ms));
    }
    Err(Refusal::missing("event_type"))
}

/// The event with the time of its receipt, where it has none of its own, as Amplitude does.
fn timed(raw: &str, has_time: bool, now_ms: UnixMs) -> String {
    if has_time {
        raw.to_owned()
    } else {
        json::with_first(raw, "time", &now_ms.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const NOW: UnixMs = 1_800_000_000_000;

    #[test]
    fn an_envelope_gives_its_events_as_they_came() {
        let body = br#"{"api_key":"k","events":[
            {"event_type":"A","user_id":"u","time":1,"event_properties":{"n":1.50}},
            {"device_id":"d","event_type":"B"}],"options":{"min_id_length":1}}"#;
        assert_eq!(
            envelope(body, NOW).unwrap(),
            [
                r#"{"event_type":"A","user_id":"u","time":1,"event_properties":{"n":1.50}}"#,
                r#"{"time":1800000000000,"device_id":"d","event_type":"B"}"#,
            ]
        );
    }

    #[test]
    fn an_envelope_that_is_wrong_is_refused_whole_and_says_where() {
        let refused = |body: &str| envelope(body.as_bytes(), NOW).unwrap_err();
        for (body, field) in [
            (r#"{"events":[]}"#, "api_key"),
            (r#"{"api_key":"","events":[]}"#, "api_key"),
            (r#"{"api_key":"k"}"#, "events"),
            (r#"{"api_key":"k","events":[]}"#, "events"),
        ] {
            assert_eq!(refused(body), Refusal::missing(field), "{body}");
        }
        let mixed = refused(
            r#"{"api_key":"k","events":[{"event_type":"A","user_id":"u"},{"user_id":"u"},{"event_type":""},7]}"#,
        );
        assert_eq!(mixed.status, 400);
        assert_eq!(
            mixed.body["events_with_missing_fields"],
            json!({"event_type":[1, 2, 3],"user_id":[2, 3]})
        );
        let invalid = refused(
            r#"{"api_key":"k","events":[{"event_type":"A","user_id":"u","time":"now"},{"event_type":7,"user_id":"u","event_properties":[]}]}"#,
        );
        assert_eq!(
            invalid.body["events_with_invalid_fields"],
            json!({"event_properties": [1], "event_type": [1], "time": [0]})
        );
        assert_eq!(
            invalid.reason(),
            "Invalid field values on some events: event_properties, event_type, time"
        );
        let reason = "Request missing required field: event_type, user_id";
        assert_eq!(mixed.reason(), reason);
        assert_eq!(refused("{\"api_key\"").status, 400);
        let event = r#"{"event_type":"A","user_id":"u"}"#;
        let many = format!(
            r#"{{"api_key":"k","events":[{}]}}"#,
            vec![event; MOST_EVENTS + 1].join(",")
        );
        assert_eq!(refused(&many), Refusal::too_large());
    }

    #[test]
    fn a_webhook_is_an_event_an_array_or_an_identify_payload() {
        let as_it_is = Shape::default();
        let taken = |body: &str| webhook(body.as_bytes(), &as_it_is, NOW);
        let events = |body: &str| taken(body).unwrap().events;
        let event = r#"{"event_type":"A","event_time":"2027-01-15 08:00:00.000000","user_id":"u"}"#;
        assert_eq!(events(event), [event]);
        assert_eq!(events(&format!("\u{feff}{event}\n{event}")), [event, event]);
        assert_eq!(events(&format!(" [{event}, {event}]")), [event, event]);
        assert_eq!(events("[]"), [""; 0]);
        assert_eq!(
            events(r#"{"user_id":"u","user_properties":{"plan":"pro"}}"#),
            [
                r#"{"time":1800000000000,"event_type":"$identify","user_id":"u","user_properties":{"plan":"pro"}}"#
            ]
        );
        for wrong in [
            "",
            "{",
            "7",
            r#""text""#,
            "[7]",
            r#"{"x":1}"#,
            "{} {}",
            "\u{feff}{}",
        ] {
            assert_eq!(taken(wrong).unwrap_err().status, 400, "{wrong}");
        }
        assert_eq!(webhook(b"\xff{}", &as_it_is, NOW).unwrap_err().status, 400);
    }

    #[test]
    fn a_broken_element_of_a_webhook_costs_only_itself_and_one_of_the_http_api_everything() {
        let event = r#"{"event_type":"A","time":1,"user_id":"u"}"#;
        for broken in [
            r#"{"event_type":"N","p":NaN}"#,
            "7",
            r#"{"x":1}"#,
            "{\"a\":\"\u{7}\"}",
        ] {
            let list = format!("[{event},{broken},{event}]");
            let taken = webhook(list.as_bytes(), &Shape::default(), NOW).unwrap();
            assert_eq!((taken.events, taken.broken), (vec![event.to_owned(); 2], 1));
            assert!(taken.why.is_some_and(|why| why.status == 400), "{broken}");
            let envelope_of = format!(r#"{{"api_key":"k","events":{list}}}"#);
            assert_eq!(
                envelope(envelope_of.as_bytes(), NOW).unwrap_err().status,
                400
            );
        }
        let marked = format!("\u{feff}{{\"api_key\":\"k\",\"events\":[{event}]}}");
        assert_eq!(envelope(marked.as_bytes(), NOW).unwrap(), [event]);
        let many = format!("[{}]", vec![event; MOST_EVENTS + 1].join(","));
        let refused = webhook(many.as_bytes(), &Shape::default(), NOW);
        assert_eq!(refused, Err(Refusal::too_large()));
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_the_relay_panic(
            body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
            text in "[\\PC\\n{}\\[\\]\":,]{0,120}",
        ) {
            let lines = [("event_type", "name"), ("user_properties.plan", "a.b"), ("event_properties", "*")];
            let lines = lines.map(|(field, path)| (field.to_owned(), path.to_owned()));
            let shape = Shape::new(&lines.into()).unwrap();
            for body in [&body[..], text.as_bytes()] {
                let _ = webhook(body, &shape, NOW);
                let _ = webhook(body, &Shape::default(), NOW);
                let _ = envelope(body, NOW);
                let _ = unpacked(&Bytes::copy_from_slice(body), Some("gzip"), 100);
            }
            who(&text);
            let event = format!(r#"{{"api_key":"k","events":[{text}]}}"#);
            let _ = envelope(event.as_bytes(), NOW);
        }
    }

    #[test]
    fn what_is_compressed_is_unpacked_up_to_its_limit() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&[b'x'; 5_000]).unwrap();
        let packed: Bytes = packed.finish().unwrap().into();
        assert_eq!(unpacked(&packed, Some("gzip"), 5_000).unwrap().len(), 5_000);
        assert_eq!(
            unpacked(&packed, Some("gzip"), 4_999),
            Err(Refusal::too_large())
        );
        let cut = packed.slice(..packed.len() - 9);
        assert_eq!(unpacked(&cut, Some("gzip"), 5_000).unwrap_err().status, 400);
        let plain = Bytes::from_static(b"x");
        assert_eq!(unpacked(&plain, Some("br"), 9).unwrap_err().status, 400);
        assert_eq!(unpacked(&plain, None, 9).unwrap(), plain);
    }
}
