//! Activities, as the App API lists them: what people did, and what was done to them.

use serde::Serialize;
use serde_json::{Value, json};
use ulid::Ulid;

use crate::amplitude::time::UnixMs;

/// The identifiers of a person, as far as the sandbox knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Identity {
    pub(super) id: Option<String>,
    pub(super) email: Option<String>,
    /// Its own name of the person.
    pub(super) cio_id: String,
}

/// One activity.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    /// Its number, from 1: the later, the higher.
    pub(super) number: u64,
    /// The key of the person in the store.
    pub(super) person: String,
    /// `event`, `failed_event`, `sent_email`, …
    pub(super) kind: String,
    /// The name of the event; empty for other types.
    pub(super) name: String,
    /// The time of the action, in Unix seconds.
    pub(super) timestamp: i64,
    /// When it can be seen.
    pub(super) visible_ms: UnixMs,
    /// The changes of attributes.
    pub(super) data: Value,
    /// The message that it is about.
    pub(super) delivery: Option<String>,
}

impl Activity {
    /// The activity as the App API writes it.
    pub(super) fn json(&self, identity: &Identity) -> Value {
        let id = Ulid::from_parts(self.timestamp.unsigned_abs() * 1_000, self.number.into());
        let mut written = json!({
            "id": id.to_string(),
            "type": self.kind,
            "timestamp": self.timestamp,
            "customer_id": identity.id,
            "customer_identifiers": identity,
            "data": self.data,
        });
        if !self.name.is_empty() {
            written["name"] = self.name.as_str().into();
        }
        if let Some(delivery) = &self.delivery {
            written["delivery_id"] = delivery.as_str().into();
            written["delivery_type"] = "email".into();
        }
        written
    }
}
