//! Reads a dead letter from the line of JSON that [`DeadLetter::to_line`] writes.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::amplitude::time::{self, UnixMs};
use crate::customerio::request::BATCH_PATH;
use crate::customerio::{Item, Route};
use crate::delivery::{Accepted, History, Part};

use super::dead_letter::{DeadLetter, DeadLetterGroup};

/// What selections of dead letters go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterKey {
    /// Its reason and event type.
    pub group: DeadLetterGroup,
    /// When it became a dead letter.
    pub at_ms: UnixMs,
    /// The person it is about.
    pub person: String,
}

#[derive(Deserialize)]
struct KeyFields<'a> {
    #[serde(flatten)]
    group: DeadLetterGroup,
    #[serde(borrow)]
    at: Cow<'a, str>,
    person: String,
}

#[derive(Deserialize)]
struct Fields<'a> {
    number: i64,
    answer: String,
    message: String,
    requests: u32,
    attempts: u32,
    #[serde(borrow)]
    first_attempt_at: Option<Cow<'a, str>>,
    part: Cow<'a, str>,
    id: Cow<'a, str>,
    happened_at: Cow<'a, str>,
    received_at: Cow<'a, str>,
    method: Cow<'a, str>,
    path: Cow<'a, str>,
    #[serde(borrow)]
    request: &'a RawValue,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
}

impl DeadLetterKey {
    /// The key of a dead letter's line. Other fields of the line don't matter.
    pub fn from_line(line: &str) -> serde_json::Result<Self> {
        let fields: KeyFields<'_> = serde_json::from_str(line)?;
        Ok(Self {
            group: fields.group,
            at_ms: moment(&fields.at),
            person: fields.person,
        })
    }
}

impl DeadLetter {
    /// The dead letter of a line. Where it was accepted, and the order of its person, are not in it.
    pub fn from_line(line: &str) -> serde_json::Result<Self> {
        let key = DeadLetterKey::from_line(line)?;
        let fields: Fields<'_> = serde_json::from_str(line)?;
        let (route, body) = if fields.path == BATCH_PATH {
            let Batch { batch } = serde_json::from_str(fields.request.get())?;
            let item = batch.first().map_or("", |item| item.get());
            (Route::Batch, item)
        } else {
            let route = Route::V1 {
                put: fields.method == "PUT",
                path: fields.path.into_owned(),
            };
            (route, fields.request.get())
        };
        let item = Item {
            // One that can't be read is shown as the first of all.
            id: fields.id.parse().unwrap_or_default(),
            person: 0,
            route,
            body: body.to_owned().into(),
        };
        Ok(Self {
            number: fields.number,
            at_ms: key.at_ms,
            why: key.group.why,
            reason: key.group.reason,
            field: key.group.field,
            answer: fields.answer,
            message: fields.message,
            history: History {
                requests: fields.requests,
                failures: fields.attempts,
                first_ms: fields.first_attempt_at.as_deref().map(moment),
                tried_ms: 0,
            },
            again: false,
            accepted: Accepted {
                item,
                sequence: 0,
                part: if fields.part == "event" {
                    Part::Event
                } else {
                    Part::Identify
                },
                event_type: key.group.event_type.into(),
                happened_ms: moment(&fields.happened_at),
                received_ms: moment(&fields.received_at),
                origin: None,
            },
        })
    }
}

/// A time as [`time::to_rfc3339`] writes it; the epoch if it is none.
fn moment(text: &str) -> UnixMs {
    time::parse(&format!("\"{text}\"")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Undelivered;

    fn letter(route: Route, body: &str) -> DeadLetter {
        DeadLetter {
            number: 7,
            at_ms: 1_700_000_000_123,
            why: Undelivered::Discarded,
            reason: "\"quoted\" \u{1b}".to_owned(),
            field: "attributes.plan".to_owned(),
            answer: "400".to_owned(),
            message: "no".to_owned(),
            history: History {
                requests: 3,
                failures: 2,
                first_ms: Some(1_700_000_000_001),
                tried_ms: 0,
            },
            again: false,
            accepted: Accepted {
                item: Item {
                    id: "01HF8Z0000000000000000000A".parse().unwrap_or_default(),
                    person: 0,
                    route,
                    body: body.to_owned().into(),
                },
                sequence: 0,
                part: Part::Event,
                event_type: "Purchase".into(),
                happened_ms: 1_700_000_000_000,
                received_ms: 1_700_000_000_100,
                origin: None,
            },
        }
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let body = r#"{"identifiers":{"id":"u-1"},"name":"Purchase","attributes":{"n":1.50}}"#;
        let path = "/api/v1/customers/u-2/events".to_owned();
        for (route, person) in [
            (Route::Batch, "u-1"),
            (Route::V1 { put: false, path }, "u-2"),
        ] {
            let written = letter(route, body);
            let line = written.to_line();
            assert_eq!(DeadLetter::from_line(&line).unwrap(), written);
            let key = DeadLetterKey::from_line(&line).unwrap();
            assert_eq!((key.person.as_str(), key.at_ms), (person, written.at_ms));
        }
        assert!(DeadLetter::from_line("{}").is_err());
    }
}
