//! A column of the events, and its value for an event.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::amplitude::{Event, Reading, json, time};
use crate::privacy::mask::Privacy;
use crate::protocol::{Outcome, Record};
use crate::text::duration;

/// Maximum characters of a value: more are never visible.
const MAX_CHARACTERS: usize = 200;

/// A column of the events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Column {
    /// The time of receipt.
    Received,
    /// The event type.
    Type,
    /// The person.
    Person,
    /// The size of the event.
    Size,
    /// The outcome, with its reason.
    Outcome,
    /// The time from the event to its receipt.
    Lag,
    /// The number of requests that the event was in.
    Attempts,
    /// The time from receipt to delivery.
    Latency,
    /// The time of delivery.
    DeliveredAt,
    /// The field of the event at a dotted path, such as `event_properties.total`.
    Field(String),
}

/// All columns that are no fields.
pub const COLUMNS: [Column; 9] = [
    Column::Received,
    Column::Type,
    Column::Person,
    Column::Size,
    Column::Outcome,
    Column::Lag,
    Column::Attempts,
    Column::Latency,
    Column::DeliveredAt,
];

impl Column {
    /// The name of the column: its title, and what is written to the file. A field has its path.
    pub fn name(&self) -> &str {
        match self {
            Self::Received => "received",
            Self::Type => "type",
            Self::Person => "person",
            Self::Size => "size",
            Self::Outcome => "outcome",
            Self::Lag => "lag",
            Self::Attempts => "attempts",
            Self::Latency => "latency",
            Self::DeliveredAt => "delivered at",
            Self::Field(path) => path,
        }
    }

    /// The title of the column: of a path its last part.
    pub fn title(&self) -> &str {
        match self {
            Self::Field(path) => last_part(path),
            _ => self.name(),
        }
    }

    /// Whether values are numbers, which stand on the right.
    pub(crate) fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Size | Self::Lag | Self::Attempts | Self::Latency
        )
    }

    /// The value for a record, unless a row has it anyway.
    pub(crate) fn value(&self, record: &Record, privacy: Option<Privacy>) -> String {
        let took = match record.story.outcome {
            Outcome::Delivered { took_ms } => Some(i64::from(took_ms)),
            _ => None,
        };
        match self {
            Self::Received | Self::Type | Self::Person | Self::Size | Self::Outcome => None,
            Self::Lag => {
                let happened = record.event().and_then(|event| event.time().ok());
                happened.map(|happened| duration((record.received_ms - happened).max(0)))
            }
            Self::Attempts => match record.story.attempts.len() {
                0 => None,
                count => Some(count.to_string()),
            },
            Self::Latency => took.map(duration),
            Self::DeliveredAt => took.map(|took| time::to_clock(record.received_ms + took)),
            Self::Field(path) => record.event().and_then(|event| field(event, path, privacy)),
        }
        .unwrap_or_default()
    }
}

impl From<String> for Column {
    /// The column of this name, or else the field at this path.
    fn from(name: String) -> Self {
        let known = COLUMNS.iter().find(|column| column.name() == name);
        known.cloned().unwrap_or(Self::Field(name))
    }
}

impl From<Column> for String {
    fn from(column: Column) -> Self {
        column.name().to_owned()
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// The value of a field: a text without its quotes, anything else as JSON.
fn field(event: &Event, path: &str, privacy: Option<Privacy>) -> Option<String> {
    let reading = Reading::new(event);
    let raw = reading.at(path)?;
    let text = |raw: &str| -> String {
        let text = json::string(raw).unwrap_or(Cow::Borrowed(raw));
        text.chars().take(MAX_CHARACTERS).collect()
    };
    let Some(privacy) = privacy else {
        return Some(text(raw));
    };
    // The mask depends on the name of the field.
    let mut document = b"{".to_vec();
    json::push_string(&mut document, last_part(path));
    document.push(b':');
    document.extend_from_slice(raw.as_bytes());
    document.push(b'}');
    let masked = privacy.document(&String::from_utf8_lossy(&document));
    let entries = json::entries(&masked)?;
    entries.first().map(|(_, value)| text(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Decision;
    use crate::protocol::tests_support::record;

    const EVENT: &str = r#"{"event_type":"A","user_id":"u-1","time":1799999999500,"country":"Germany","event_properties":{"total":12.50,"a.b":1,"email":"a@b.example","items":[1, 2]}}"#;

    #[test]
    fn a_column_has_the_value_of_its_field_or_of_the_history() {
        let outcome = Outcome::Delivered { took_ms: 1_334 };
        let mut record = record(2, EVENT, Decision::Accepted, outcome);
        record.received_ms = 1_800_000_000_000;
        for (name, expected) in [
            ("country", "Germany"),
            ("event_properties.total", "12.50"),
            ("event_properties.items", "[1, 2]"),
            ("event_properties.nothing", ""),
            ("nothing.at.all", ""),
            ("", ""),
            ("lag", "500 ms"),
            ("attempts", ""),
            ("latency", "1.3 s"),
            ("delivered at", "08:00:01.334"),
            // A row has it.
            ("type", ""),
        ] {
            let column = Column::from(name.to_owned());
            assert_eq!(column.value(&record, None), expected, "{name}");
            assert_eq!(String::from(column), name);
        }
    }

    #[test]
    fn personal_fields_are_masked() {
        let record = record(2, EVENT, Decision::Accepted, Outcome::OnItsWay);
        let privacy = Some(Privacy { salt: 1 });
        let value = |path: &str| Column::Field(path.to_owned()).value(&record, privacy);
        assert_eq!(value("event_properties.email"), "•••");
        assert!(value("user_id").starts_with("id•"));
        assert_eq!(value("country"), "Germany");
    }
}
