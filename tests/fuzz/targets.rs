//! One function per kind of outside input: each feeds arbitrary bytes to the code that reads that
//! input, and panics where a promise is broken. `cargo test --test fuzz` calls them with committed
//! seeds and mutations of them, `.ci/fuzz` with what libFuzzer finds.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::time::SystemTime;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use sluicegate::amplitude::archive::{self, Options, Piece};
use sluicegate::amplitude::frame::{self, REPORTED_PARTS};
use sluicegate::amplitude::json as raw;
use sluicegate::amplitude::{Event, Malformed, Reading};
use sluicegate::customerio::Mapping;
use sluicegate::customerio::response::{self, Answer, RequestKind};
use sluicegate::filter::Condition;
use sluicegate::filter::expression::Variables;
use sluicegate::http::reply::Reply;
use sluicegate::limits::{Policies, check_alone};
use sluicegate::relay::intake;
use sluicegate::relay::webhook_mapping::WebhookMapping;
use sluicegate::text::visible;
use sluicegate::tui::widget::json;

/// A target: reads one input, and panics where a promise is broken.
pub type Target = fn(&[u8]);

/// All targets, by the name of their folder in `seeds/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("object", object),
    ("frame", frame),
    ("archive", archive),
    ("answer", answer),
    ("condition", condition),
    ("webhook", webhook),
];

const NOW: i64 = 1_800_000_000_000;

/// A JSON object: its entries are those that `serde_json` finds, or it is refused at the same place.
pub fn object(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let end = raw::each_entry(&text, |key, value| found.push((key.into_owned(), value)));
    let mut parser = serde_json::Deserializer::from_str(&text);
    let expected = Entries::deserialize(&mut parser);
    let at = parser.into_iter::<IgnoredAny>().byte_offset();
    match (end, expected) {
        (Ok(end), Ok(expected)) => {
            assert_eq!(end.bytes, at);
            let expected = expected.0.iter().map(|(key, raw)| (key.clone(), raw.get()));
            assert_eq!(found, expected.collect::<Vec<_>>());
        }
        (Err(broken), Err(_)) => assert_eq!(broken.at, at),
        (end, expected) => panic!("{end:?}, but {expected:?}"),
    }
}

/// The entries of an object as `serde_json` parses them.
#[derive(Debug)]
struct Entries<'e>(Vec<(String, &'e RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Entries(all))
            }
        }
        from.deserialize_map(All)
    }
}

/// A WebSocket message: every event in it is decoded, measured, mapped and drawn.
pub fn frame(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let error = std::str::from_utf8(bytes).unwrap_err();
        assert_visible(&Malformed::not_utf8(bytes, &error).to_string());
        return;
    };
    let mut malformed = 0;
    frame::decode(&text.into(), NOW, "message_id", |found| match found {
        Ok(event) => read_event(&event),
        Err(part) => {
            malformed += 1;
            assert!(part.size_bytes <= bytes.len(), "{part}");
        }
    });
    assert!(
        malformed <= REPORTED_PARTS + 1,
        "{malformed} malformed parts"
    );
}

/// A file of events: an export's zip, gzip, Zstandard, NDJSON, JSON.
pub fn archive(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for a temporary file");
    let options = Options {
        max_event_bytes: 5_000,
        received_ms: NOW,
    };
    let mut take = |piece| {
        match piece {
            Piece::Event(event, place) => {
                assert!(event.text().len() <= options.max_event_bytes);
                assert_visible(&place.to_string());
                read_event(&event);
            }
            Piece::Malformed(_, excerpt, place) => {
                assert!(excerpt.len() <= options.max_event_bytes);
                assert_visible(&place.to_string());
            }
            Piece::Skipped(place) => assert_visible(&place.to_string()),
            Piece::Broken(error) => assert_visible(&error.to_string()),
        }
        ControlFlow::Continue(())
    };
    let _ = archive::each(file.path(), options, &mut take);
}

/// An answer in Customer.io's place. The first line is `STATUS ITEMS CONTENT-TYPE`, the second a
/// `Retry-After`, the rest the body.
pub fn answer(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let head = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let retry_after = parts.next().unwrap_or_default();
    let mut head = head.splitn(3, ' ');
    let mut reply = Reply {
        status: head.next().and_then(|n| n.parse().ok()).unwrap_or(200),
        body: parts.next().unwrap_or_default().to_vec(),
        ..Reply::default()
    };
    let items = head.next().and_then(|n| n.parse::<usize>().ok());
    let content_type = head.next().unwrap_or_default().as_bytes();
    for (name, value) in [("content-type", content_type), ("retry-after", retry_after)] {
        if let Ok(value) = value.try_into() {
            reply.headers.insert(name, value);
        }
    }
    let asked = match items {
        None => RequestKind::Region,
        Some(0) => RequestKind::Single,
        Some(items) => RequestKind::Batch(items.min(1_000)),
    };
    let read = response::read(asked, &reply, SystemTime::UNIX_EPOCH);
    assert_visible(&read.label());
    let message = read.message();
    assert!(
        message.chars().count() <= 1_000,
        "{} characters",
        message.len()
    );
    match (read, asked) {
        (Answer::Accepted, _) => assert!([200, 207].contains(&reply.status)),
        (Answer::Partly(refusals), RequestKind::Batch(items)) => {
            assert_eq!(reply.status, 207);
            assert!(refusals.keys().all(|place| *place < items));
        }
        (Answer::Partly(_), _) => panic!("a part of a single item is refused"),
        _ => {}
    }
}

/// A rule's condition in its first line, evaluated on the events behind it.
pub fn condition(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (source, events) = text.split_once('\n').unwrap_or((&text, ""));
    let condition = match Condition::compile(source) {
        Ok(condition) => condition,
        Err(error) => {
            assert!(error.column <= source.chars().count(), "{error:?}");
            return;
        }
    };
    assert_eq!(condition.source(), source);
    frame::decode(&events.into(), NOW, "message_id", |found| {
        let Ok(event) = found else { return };
        let reading = Reading::new(&event);
        let variables = Variables::new(&reading);
        condition.evaluate(&variables.context());
    });
}

/// A body that is posted to the relay: to its webhook, to HTTP V2 and Batch, and packed.
pub fn webhook(bytes: &[u8]) {
    let shape = WebhookMapping::default();
    if let Ok(taken) = intake::webhook(bytes, &shape, NOW) {
        assert!(!taken.events.is_empty() || taken.broken == 0);
        taken.events.iter().for_each(|event| assert_taken(event));
    }
    if let Ok(events) = intake::envelope(bytes, NOW) {
        events.iter().for_each(|event| assert_taken(event));
    }
    let most = 100_000;
    if let Ok(body) = intake::decompress(&bytes.to_vec().into(), Some("gzip"), most) {
        assert!(body.len() <= most);
    }
}

/// An event that the relay took is one event for whoever reads the feed.
fn assert_taken(event: &str) {
    serde_json::from_str::<IgnoredAny>(event).unwrap_or_else(|e| panic!("{e}: {event}"));
    intake::identity(event);
    let mut events = 0;
    frame::decode(&event.into(), NOW, "message_id", |found| match found {
        Ok(_) => events += 1,
        Err(malformed) => panic!("{malformed}: {event}"),
    });
    assert_eq!(events, 1, "{event}");
}

/// Measures, maps and draws an event, as the program does.
fn read_event(event: &Event) {
    let mapping = Mapping::default();
    check_alone(event, &mapping, &Policies::default(), NOW, false);
    let mapped = mapping.map(&Reading::new(event), Vec::new());
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(mapped.attributes()) {
        let sent = String::from_utf8_lossy(mapped.attributes());
        panic!("{error} in {sent} of {}", event.text());
    }
    json::lines(event.text(), &BTreeSet::new());
}

/// Nothing in `text` is obeyed by a terminal.
fn assert_visible(text: &str) {
    assert!(text.chars().all(|c| visible(c) == c), "{text:?}");
}
