//! The faulty events of the demonstration: one for each kind of violation.

use serde_json::{Map, Value, json};

use crate::amplitude::time::{self, UnixMs};

/// The fields of an event.
pub(super) type Fields = Map<String, Value>;

/// A kind of faulty event.
pub(super) struct Fault {
    /// The type of the event; any if none.
    pub(super) event_type: Option<&'static str>,
    pub(super) change: Change,
}

/// The change that makes an event faulty.
pub(super) enum Change {
    /// Sets a field to a value.
    Field(&'static str, fn(&Context) -> Value),
    /// Removes all times of the event.
    NoTime,
    /// Adds a revenue that differs from the price.
    Revenue,
    /// Repeats the last event.
    Duplicate,
    /// Replaces the event by this text.
    Text(&'static str),
}

/// The values that faulty events depend on.
pub(super) struct Context {
    pub(super) now_ms: UnixMs,
    /// Number of faulty events so far.
    pub(super) count: usize,
}

const DAY_MS: UnixMs = 86_400_000;

const fn fault(field: &'static str, value: fn(&Context) -> Value) -> Fault {
    Fault {
        event_type: None,
        change: Change::Field(field, value),
    }
}

const fn fault_of(
    event_type: &'static str,
    field: &'static str,
    value: fn(&Context) -> Value,
) -> Fault {
    Fault {
        event_type: Some(event_type),
        change: Change::Field(field, value),
    }
}

const fn other(change: Change) -> Fault {
    Fault {
        event_type: None,
        change,
    }
}

/// The kinds of faulty events, in the order in which they are made.
pub(super) const FAULTS: [Fault; 21] = [
    fault_of("Signup Completed", "user_id", |_| {
        json!(format!("guest|{}", filler(154)))
    }),
    fault("user_id", |_| json!("undefined")),
    fault("event_type", |_| json!(format!("Viewed {}", filler(100)))),
    fault_of(
        "Password Reset",
        "event_properties",
        |_| json!({ "recipient": "ann@example.com", "template": "reset" }),
    ),
    fault_of("Video Watched", "event_properties", |context| {
        let size = 98_000 + context.count * 31 % 40_000;
        json!({ "video": "Jóga", "transcript": filler(size) })
    }),
    fault("event_time", |_| json!("yesterday")),
    fault_of("Signup Completed", "user_properties", |_| {
        let many: Fields = (0..312).map(|i| (format!("trait_{i}"), json!(i))).collect();
        Value::Object(many)
    }),
    fault("event_time", |context| {
        json!(time::to_export(context.now_ms + 7_200_000))
    }),
    fault("event_time", |context| {
        json!(time::to_export(context.now_ms - 5 * DAY_MS))
    }),
    fault_of(
        "Video Watched",
        "event_properties",
        |_| json!({ "video": "Jóga", "transcript": filler(40_000) }),
    ),
    fault("event_type", |_| json!("  ")),
    fault(
        "user_properties",
        |_| json!({ "bio": filler(1_200), "plan": "free" }),
    ),
    other(Change::Duplicate),
    other(Change::Text(
        r#"{"event_type":"Song Played","user_id":"u-00007","event_properties":{"song":"#,
    )),
    fault("event_type", |_| json!("_all")),
    other(Change::NoTime),
    fault("event_time", |_| json!("1970-01-01 00:00:00.000000")),
    fault(
        "event_properties",
        |_| json!({ "cart": r#"[{"sku":"mug","quantity":2}]"# }),
    ),
    fault("event_properties", |_| {
        let deep = (0..80).fold(json!(1), |inner, _| json!([inner]));
        json!({ "tree": deep })
    }),
    other(Change::Revenue),
    fault("user_properties", |_| json!({ filler(160): 1 })),
];

impl Change {
    /// Applies the change to an event, and returns its text; none if it repeats the last event and
    /// there is none.
    pub(super) fn apply(
        &self,
        mut event: Fields,
        context: &Context,
        last: Option<&String>,
    ) -> Option<String> {
        match self {
            Self::Duplicate => return last.cloned(),
            Self::Text(text) => return Some((*text).to_owned()),
            Self::Field(field, value) => _ = event.insert((*field).to_owned(), value(context)),
            Self::NoTime => {
                for field in ["event_time", "client_event_time"] {
                    event.insert(field.to_owned(), Value::Null);
                }
            }
            Self::Revenue => {
                event.insert("price".to_owned(), json!(9.99));
                event.insert("revenue".to_owned(), json!(19.98));
            }
        }
        Some(Value::Object(event).to_string())
    }
}

fn filler(chars: usize) -> String {
    "x".repeat(chars)
}
