//! What a forwarder sends to an attached screen: a JSON object a line.

use std::fmt::Write as _;
use std::sync::Arc;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::amplitude::event::Field;
use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, frame};
use crate::amplitude::{Malformed, json};
use crate::delivery::Attempt;
use crate::filter::Decision;
use crate::limits::Violation;
use crate::protocol::{Content, Outcome, Record, Snapshot, Story};

use super::about::About;
use super::access::Role;

/// How much of an event a screen is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// The whole event.
    Full,
    /// Its type, IDs and times. The screen asks for the rest of those that it opens.
    Summary,
}

/// The fields of a summary.
const SUMMARY: [(&str, Field); 9] = [
    ("event_type", Field::EventType),
    ("user_id", Field::UserId),
    ("device_id", Field::DeviceId),
    ("uuid", Field::Uuid),
    ("$insert_id", Field::InsertId),
    ("insert_id", Field::SdkInsertId),
    ("event_time", Field::EventTime),
    ("time", Field::SdkTime),
    ("client_event_time", Field::ClientEventTime),
];
/// Maximum size of such a field, in bytes; a longer one is left out.
const MAX_SUMMARY_FIELD: usize = 256;

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line: the forwarder, the role of the caller, and whether people are masked for them.
    Hello {
        forwarder: About,
        role: Role,
        #[serde(default)]
        people_masked: bool,
    },
    /// The state.
    Snapshot(Arc<Snapshot>),
    /// New events, in order.
    Records(Vec<WireRecord>),
    /// Stories that changed.
    Stories(Vec<(u64, WireStory)>),
    /// So many events were left out.
    Missed(u64),
}

/// A record.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireRecord {
    sequence: u64,
    received_ms: UnixMs,
    /// The event as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<Box<RawValue>>,
    /// The malformed part, instead of an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    malformed: Option<WireMalformed>,
    #[serde(flatten)]
    story: WireStory,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireMalformed {
    at_byte: usize,
    why: String,
    near: String,
    from_byte: usize,
    size_bytes: usize,
    parts: u64,
    text: String,
}

/// A story.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireStory {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    violations: Vec<Violation>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<Arc<Attempt>>,
    outcome: Outcome,
}

impl WireRecord {
    /// The record for the wire; none if its text is no JSON any more.
    pub(super) fn of(record: &Record, detail: Detail) -> Option<Self> {
        let (event, malformed) = match &record.content {
            Content::Event { event, .. } => {
                let text = match detail {
                    Detail::Full => json::on_one_line(event.text()),
                    Detail::Summary => json::on_one_line(&summary(event)),
                };
                (Some(RawValue::from_string(text).ok()?), None)
            }
            Content::Malformed { malformed, text } => {
                (None, Some(WireMalformed::of(malformed, text)))
            }
        };
        Some(Self {
            sequence: record.sequence,
            received_ms: record.received_ms,
            event,
            malformed,
            story: WireStory::of(&record.story),
        })
    }

    /// The record, numbered from `offset` on; none if the event can't be read, as one of a newer
    /// version.
    pub(super) fn into_record(self, offset: u64) -> Option<Record> {
        let content = match (self.event, self.malformed) {
            (Some(event), _) => {
                let event = event_in(event.get(), self.received_ms)?;
                let event_type = event.event_type().unwrap_or_default().trim().into();
                Content::Event { event, event_type }
            }
            (None, malformed) => malformed?.into_content(),
        };
        Some(Record {
            sequence: self.sequence + offset,
            received_ms: self.received_ms,
            content,
            story: self.story.into_story(),
        })
    }
}

/// An event with the fields of a summary only.
fn summary(event: &Event) -> String {
    let mut text = "{".to_owned();
    let fields = SUMMARY.iter().filter_map(|(name, field)| {
        let raw = event.raw(*field)?;
        (raw.len() <= MAX_SUMMARY_FIELD).then_some((name, raw))
    });
    for (name, raw) in fields {
        // Writing into a string does not fail.
        let _ = write!(text, "\"{name}\":{raw},");
    }
    // Something to know an event by, if it has none of the others.
    text += "\"event_properties\":{}}";
    text
}

/// The event in this text.
fn event_in(text: &str, received_ms: UnixMs) -> Option<Event> {
    let mut found = None;
    frame::decode(&ByteString::from(text), received_ms, "", |event| {
        found = found.take().or(event.ok());
    });
    found
}

impl WireMalformed {
    fn of(malformed: &Malformed, text: &str) -> Self {
        let Malformed {
            at_byte,
            why,
            near,
            from_byte,
            size_bytes,
            parts,
        } = malformed.clone();
        Self {
            at_byte,
            why,
            near,
            from_byte,
            size_bytes,
            parts,
            text: text.to_owned(),
        }
    }

    fn into_content(self) -> Content {
        Content::Malformed {
            malformed: Malformed {
                at_byte: self.at_byte,
                why: self.why,
                near: self.near,
                from_byte: self.from_byte,
                size_bytes: self.size_bytes,
                parts: self.parts,
            },
            text: self.text.into(),
        }
    }
}

impl WireStory {
    pub(super) fn of(story: &Story) -> Self {
        let Story {
            decision,
            violations,
            attempts,
            outcome,
        } = story.clone();
        Self {
            decision,
            violations,
            attempts,
            outcome,
        }
    }

    pub(super) fn into_story(self) -> Story {
        Story {
            decision: self.decision,
            violations: self.violations,
            attempts: self.attempts,
            outcome: self.outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::tests_support::record;

    #[test]
    fn a_record_comes_back_as_it_was_under_another_number() {
        let text = "{\"event_type\":\"A\",\n\"user_id\":\"u\",\"event_properties\":{\"x\":1.50}}";
        let sent = record(
            7,
            text,
            Decision::Accepted,
            Outcome::Delivered { took_ms: 3 },
        );
        let line = Line::Records(vec![WireRecord::of(&sent, Detail::Full).unwrap()]);
        let written = serde_json::to_string(&line).unwrap();
        assert!(!written.contains('\n'), "{written}");
        let Line::Records(read) = serde_json::from_str(&written).unwrap() else {
            panic!("{written}");
        };
        let got = read.into_iter().next().unwrap().into_record(100).unwrap();
        assert_eq!((got.sequence, got.received_ms), (107, sent.received_ms));
        assert_eq!(got.story, sent.story);
        assert_eq!(got.text(), json::on_one_line(sent.text()));
        assert_eq!((got.event_type(), got.event().is_some()), ("A", true));
        let brief = WireRecord::of(&sent, Detail::Summary).unwrap();
        let brief = brief.into_record(100).unwrap();
        let summary = r#"{"event_type":"A","user_id":"u","event_properties":{}}"#;
        assert_eq!((brief.text(), brief.sequence), (summary, 107));
        assert_eq!(brief.story, sent.story);
        let mut broken = record(8, text, Decision::Accepted, Outcome::NotSent);
        broken.content = Content::Malformed {
            malformed: Malformed {
                at_byte: 3,
                why: "no JSON".to_owned(),
                near: "\u{1b}[2J".to_owned(),
                from_byte: 0,
                size_bytes: 9,
                parts: 2,
            },
            text: "half \n of".into(),
        };
        broken.story.decision = None;
        let written =
            serde_json::to_string(&WireRecord::of(&broken, Detail::Full).unwrap()).unwrap();
        let read: WireRecord = serde_json::from_str(&written).unwrap();
        let got = read.into_record(0).unwrap();
        assert_eq!((got.text(), got.malformed_parts()), ("half \n of", 2));
    }
}
