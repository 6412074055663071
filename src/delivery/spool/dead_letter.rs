//! A dead letter, its JSON forms, and selections of dead letters.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::{self, UnixMs};
use crate::customerio::Route;
use crate::customerio::request::Request;
use crate::delivery::{Accepted, History, Part, Undelivered};
use crate::text;

/// An item that can't be delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its number, unique in its spool.
    pub number: i64,
    /// When it became a dead letter.
    pub at_ms: UnixMs,
    /// The kind of failure.
    pub why: Undelivered,
    /// The reason, where possible in Customer.io's words.
    pub reason: String,
    /// The field at fault.
    pub field: String,
    /// The label of the last answer: `400`, `no answer`.
    pub answer: String,
    /// The message of that answer.
    pub message: String,
    /// Its attempts.
    pub history: History,
    /// Whether it is marked for a retry, which the running or next forwarder does.
    pub again: bool,
    /// The item.
    pub accepted: Accepted,
}

/// A group of dead letters, with its counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterRow {
    /// The group.
    #[serde(flatten)]
    pub group: DeadLetterGroup,
    /// Number of dead letters.
    pub count: u64,
    /// Number of them that are marked for a retry.
    pub again: u64,
    /// When the newest became a dead letter.
    pub newest_ms: UnixMs,
}

/// Dead letters with the same reason and event type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeadLetterGroup {
    /// The kind of failure.
    pub why: Undelivered,
    /// The reason, where possible in Customer.io's words.
    pub reason: String,
    /// The field at fault.
    pub field: String,
    /// The event type.
    pub event_type: String,
}

/// A selection of dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterSelection {
    /// All.
    All,
    /// The one with this number.
    One(i64),
    /// Those with these numbers.
    Several(Vec<i64>),
    /// All with a reason, of any event type.
    Reason(String),
    /// All with a reason and event type.
    Group(DeadLetterGroup),
    /// All of a person: the id, or the anonymous id.
    Person(String),
}

impl DeadLetter {
    /// Bytes that it takes of the spool's quota.
    pub(super) fn bytes(&self) -> u64 {
        let texts = self.reason.len() + self.field.len() + self.message.len();
        (self.accepted.item.body.len() + texts) as u64
    }

    /// The person it is about: the value of the identifier that would be sent.
    pub fn person(&self) -> String {
        self.identity().0
    }

    /// Whether that is a device without a known person.
    pub fn is_anonymous(&self) -> bool {
        self.identity().1
    }

    /// The person, and whether that is only a device.
    fn identity(&self) -> (String, bool) {
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

    /// One line of JSON, as `export` writes it. Its request can be sent unchanged.
    pub fn to_line(&self) -> String {
        let request = self.request();
        let mut line = serde_json::Value::Object(self.metadata(&request)).to_string();
        // The closing brace follows again behind the request.
        line.truncate(line.len() - 1);
        line.push_str(",\"request\":");
        line.push_str(&request.json());
        line.push('}');
        text::escaped_json(&line)
    }

    /// The same as a JSON value.
    pub fn to_json(&self) -> serde_json::Value {
        let request = self.request();
        let mut metadata = self.metadata(&request);
        let text = || serde_json::Value::from(request.body.as_str());
        let body = serde_json::from_str(&request.body).unwrap_or_else(|_| text());
        metadata.insert("request".to_owned(), body);
        serde_json::Value::Object(metadata)
    }

    fn request(&self) -> Request<'_> {
        let item = &self.accepted.item;
        Request::of(&item.route, &String::from_utf8_lossy(&item.body))
    }

    fn metadata(&self, request: &Request<'_>) -> serde_json::Map<String, serde_json::Value> {
        let accepted = &self.accepted;
        let metadata = serde_json::json!({
            "number": self.number,
            "at": time::to_rfc3339(self.at_ms),
            "why": self.why,
            "reason": self.reason,
            "field": self.field,
            "answer": self.answer,
            "message": self.message,
            "requests": self.history.requests,
            "attempts": self.history.failures,
            "first_attempt_at": self.history.first_ms.map(time::to_rfc3339),
            "event_type": &*accepted.event_type,
            "part": if accepted.part == Part::Event { "event" } else { "identify" },
            "person": self.person(),
            "id": accepted.item.id.to_string(),
            "happened_at": time::to_rfc3339(accepted.happened_ms),
            "received_at": time::to_rfc3339(accepted.received_ms),
            "method": request.method,
            "path": request.path,
        });
        match metadata {
            serde_json::Value::Object(metadata) => metadata,
            _ => serde_json::Map::new(),
        }
    }
}
