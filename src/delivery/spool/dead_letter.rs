//! A dead letter, and how some of them are named.

use rusqlite::types::Value;
use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::customerio::mapping::Route;
use crate::customerio::request::Request;
use crate::delivery::{Accepted, History, Part, Undelivered};
use crate::text;

/// One item that can't be delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its number in this spool.
    pub number: i64,
    /// When it was known that it can't be delivered.
    pub at_ms: UnixMs,
    /// Why.
    pub why: Undelivered,
    /// Customer.io's word for it.
    pub reason: String,
    /// The field at fault.
    pub field: String,
    /// The last answer in a word: `400`, `no answer`.
    pub answer: String,
    /// What that answer said.
    pub message: String,
    /// Its attempts.
    pub history: History,
    /// Whether someone asked to try it again: the next moment of forwarding does.
    pub again: bool,
    /// What could not be delivered.
    pub accepted: Accepted,
}

/// Dead letters of one reason and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterRow {
    /// What they share.
    #[serde(flatten)]
    pub group: Group,
    /// How many there are.
    pub count: u64,
    /// Those of them that will be tried again.
    pub again: u64,
    /// When the newest came to be one.
    pub newest_ms: UnixMs,
}

/// What dead letters of a row share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Group {
    /// Why they can't be delivered.
    pub why: Undelivered,
    /// Customer.io's word for it.
    pub reason: String,
    /// The field at fault.
    pub field: String,
    /// The event type.
    pub event_type: String,
}

/// Some of the dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// All.
    All,
    /// The one with this number.
    One(i64),
    /// Those of a reason, whatever their type.
    Reason(String),
    /// Those of a reason and type.
    Group(Group),
    /// Those of a person: the id, or the anonymous id.
    Person(String),
}

impl Which {
    /// The condition on the table, and its values.
    pub(super) fn condition(&self) -> (&'static str, Vec<Value>) {
        match self {
            Self::All => ("true", Vec::new()),
            Self::One(number) => ("number = ?", vec![Value::Integer(*number)]),
            Self::Person(person) => ("person = ?", vec![Value::Text(person.clone())]),
            Self::Reason(reason) => ("reason = ?", vec![Value::Text(reason.clone())]),
            Self::Group(group) => (
                "why = ? and reason = ? and field = ? and event_type = ?",
                vec![
                    Value::Text(group.why.word().to_owned()),
                    Value::Text(group.reason.clone()),
                    Value::Text(group.field.clone()),
                    Value::Text(group.event_type.clone()),
                ],
            ),
        }
    }
}

impl DeadLetter {
    /// What it takes of the spool's quota.
    pub(super) fn bytes(&self) -> u64 {
        let texts = self.reason.len() + self.field.len() + self.message.len();
        (self.accepted.item.body.len() + texts) as u64
    }

    /// Whom it is about: the value of the identifier that would be sent.
    pub fn person(&self) -> String {
        self.who().0
    }

    /// Whether that is a device, and no person yet.
    pub fn is_anonymous(&self) -> bool {
        self.who().1
    }

    /// Whom it is about, and whether that is only a device.
    fn who(&self) -> (String, bool) {
        #[derive(Deserialize)]
        struct Body {
            identifiers: Option<std::collections::BTreeMap<String, String>>,
            anonymous_id: Option<String>,
        }
        if let Route::V1 { path, .. } = &self.accepted.item.route
            && let Some(rest) = path.strip_prefix("/api/v1/customers/")
        {
            let id = rest.split('/').next().unwrap_or(rest);
            let id = percent_encoding::percent_decode_str(id);
            return (id.decode_utf8_lossy().into_owned(), false);
        }
        let body = serde_json::from_slice::<Body>(&self.accepted.item.body).ok();
        let named = body.and_then(|body| {
            let first = body.identifiers.and_then(|all| all.into_values().next());
            let person = first.map(|id| (id, false));
            person.or_else(|| body.anonymous_id.map(|id| (id, true)))
        });
        named.unwrap_or_default()
    }

    /// The letter as one line of JSON: what `export` writes. Its request works as it is.
    pub fn to_line(&self) -> String {
        let request = self.request();
        let mut line = serde_json::Value::Object(self.facts(&request)).to_string();
        // The facts are an object, and its last brace comes again behind the request.
        line.truncate(line.len() - 1);
        line.push_str(",\"request\":");
        line.push_str(&request.json());
        line.push('}');
        text::escaped_json(&line)
    }

    /// The same for whoever reads it as a value.
    pub fn to_json(&self) -> serde_json::Value {
        let request = self.request();
        let mut facts = self.facts(&request);
        let text = || serde_json::Value::from(request.body.as_str());
        let body = serde_json::from_str(&request.body).unwrap_or_else(|_| text());
        facts.insert("request".to_owned(), body);
        serde_json::Value::Object(facts)
    }

    fn request(&self) -> Request<'_> {
        let item = &self.accepted.item;
        Request::of(&item.route, &String::from_utf8_lossy(&item.body))
    }

    fn facts(&self, request: &Request<'_>) -> serde_json::Map<String, serde_json::Value> {
        let accepted = &self.accepted;
        let facts = serde_json::json!({
            "number": self.number,
            "at": stamp(self.at_ms),
            "why": self.why,
            "reason": self.reason,
            "field": self.field,
            "answer": self.answer,
            "message": self.message,
            "requests": self.history.requests,
            "attempts": self.history.failures,
            "first_attempt_at": self.history.first_ms.map(stamp),
            "event_type": &*accepted.event_type,
            "part": if accepted.part == Part::Event { "event" } else { "identify" },
            "person": self.person(),
            "id": accepted.item.id.to_string(),
            "happened_at": stamp(accepted.happened_ms),
            "received_at": stamp(accepted.received_ms),
            "method": request.method,
            "path": request.path,
        });
        match facts {
            serde_json::Value::Object(facts) => facts,
            _ => serde_json::Map::new(),
        }
    }
}

/// A time as RFC 3339 writes it.
fn stamp(ms: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| at.to_string())
}
