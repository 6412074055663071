//! One activity: what a person did, or what was done to them.

use serde::{Deserialize, Deserializer, Serialize};

/// One activity of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its own ID.
    #[serde(default, deserialize_with = "or_default")]
    pub id: String,
    /// Its type: `event`, `failed_event`, `sent_email`, …
    #[serde(rename = "type", default, deserialize_with = "or_default")]
    pub kind: String,
    /// The name of the event or the attribute; empty for other types.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// When it happened, in Unix seconds.
    #[serde(rename = "timestamp", default, deserialize_with = "or_default")]
    pub at_s: i64,
    /// The message that it is about; empty for other types.
    #[serde(default, deserialize_with = "or_default")]
    pub delivery_id: String,
}

/// Reads a value, or the default where it is null.
fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// What an activity means for an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Customer.io applied what was sent: an event, a change of attributes.
    Applied,
    /// Customer.io took it with 200, and did not apply it.
    NotApplied,
    /// A message is on its way.
    Sending,
    /// A message has arrived, or was opened or clicked.
    Arrived,
    /// A message did not go out or did not arrive.
    NotArrived,
    /// Anything else.
    Other,
}

/// The channels of messages, as they end an activity's type.
const CHANNELS: [&str; 8] = [
    "email", "push", "in_app", "twilio", "whatsapp", "slack", "webhook", "action",
];

impl Activity {
    /// The step and the channel of a message: `sent`, `email`.
    pub fn message(&self) -> Option<(&str, &str)> {
        CHANNELS.into_iter().find_map(|channel| {
            let step = self.kind.strip_suffix(channel)?.strip_suffix('_')?;
            Some((step, channel))
        })
    }

    /// What it means.
    pub fn meaning(&self) -> Meaning {
        match self.kind.as_str() {
            "event" | "page" | "screen" | "attribute_change" => return Meaning::Applied,
            "failed_event" | "failed_attribute_change" | "skipped_update" => {
                return Meaning::NotApplied;
            }
            _ => {}
        }
        match self.message().map(|(step, _)| step) {
            Some("drafted" | "attempted" | "sent" | "deferred") => Meaning::Sending,
            Some("delivered" | "opened" | "clicked" | "converted") => Meaning::Arrived,
            Some("bounced" | "dropped" | "failed" | "undeliverable" | "suppressed" | "spammed") => {
                Meaning::NotArrived
            }
            _ => Meaning::Other,
        }
    }

    /// A few words for it: `email sent`, `event failed`.
    pub fn words(&self) -> String {
        match self.kind.as_str() {
            "event" => "event applied".to_owned(),
            "failed_event" => "event failed after the 200".to_owned(),
            "attribute_change" => "attributes changed".to_owned(),
            "failed_attribute_change" => "change of attributes failed after the 200".to_owned(),
            "skipped_update" => "older update skipped".to_owned(),
            "profile_create" => "profile created".to_owned(),
            "profile_merge" => "profile merged".to_owned(),
            "profile_delete" => "profile deleted".to_owned(),
            "anon_merge" => "anonymous events joined".to_owned(),
            kind => match self.message() {
                Some((step, channel)) => format!("{} {step}", channel.replace('_', "-")),
                None => kind.replace('_', " "),
            },
        }
    }
}
