//! Questions to the App API, and their answers.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::customerio::item::Route;

use super::activity::Activity;

/// How Customer.io identifies a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonKind {
    /// `id`.
    Id,
    /// `email`.
    Email,
    /// `cio_id`, without its `cio_`.
    CioId,
    /// `anonymous_id`: there is no profile to ask about.
    AnonymousId,
}

impl PersonKind {
    /// Its name at Customer.io.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Email => "email",
            Self::CioId => "cio_id",
            Self::AnonymousId => "anonymous_id",
        }
    }
}

/// A person at Customer.io.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonKey {
    /// The kind of the identifier.
    pub kind: PersonKind,
    /// Its value.
    pub value: String,
}

/// An event at Customer.io, of a person that is named beside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventKey {
    /// Its name.
    pub name: String,
    /// Its time, in Unix seconds.
    pub at_s: i64,
    /// The ID that it was sent with.
    pub id: String,
}

/// A question: about a person, and possibly one of their events.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Question {
    /// The person.
    pub person: PersonKey,
    /// The event.
    pub event: Option<EventKey>,
}

/// What the activities say about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventAnswer {
    /// It is among the person's activities.
    Found,
    /// Customer.io took it with 200, and then failed it.
    Failed,
    /// It is not there, and all activities that it could be among were seen.
    Missing,
    /// It was not seen, but neither were all activities: there are too many.
    Undecided,
    /// It is older than the 30 days that Customer.io guarantees.
    TooOld,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When it was asked.
    pub asked_ms: UnixMs,
    /// Whether the person has a profile.
    pub has_profile: bool,
    /// Number of the profile's attributes.
    pub attributes: u32,
    /// What became of the event, if the question named one.
    pub event: Option<EventAnswer>,
    /// The newest activities of the person, the newest first.
    pub activities: Vec<Activity>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// The parts of a sent item that a question needs.
#[derive(Deserialize)]
struct SentItem {
    #[serde(default)]
    identifiers: SentIdentifiers,
    #[serde(default)]
    name: String,
    #[serde(default)]
    timestamp: i64,
    #[serde(default)]
    id: String,
    #[serde(default)]
    anonymous_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct SentIdentifiers {
    id: Option<String>,
    email: Option<String>,
    cio_id: Option<String>,
    anonymous_id: Option<String>,
}

impl Question {
    /// The question about an event, by the request that it is sent with. None if the request names no
    /// person.
    pub fn about(route: &Route, body: &[u8]) -> Option<Self> {
        let item: SentItem = serde_json::from_slice(body).ok()?;
        let person = match route {
            Route::Batch => item.identifiers.person()?,
            Route::V1 { path, .. } => match item.anonymous_id {
                Some(id) => PersonKey::new(PersonKind::AnonymousId, id),
                None => person_of_path(path)?,
            },
        };
        let event = EventKey {
            name: item.name.trim().to_owned(),
            at_s: item.timestamp,
            id: item.id,
        };
        Some(Self {
            person,
            event: Some(event),
        })
    }
}

impl PersonKey {
    /// The person with this identifier.
    pub fn new(kind: PersonKind, value: impl Into<String>) -> Self {
        Self {
            kind,
            value: value.into(),
        }
    }
}

impl SentIdentifiers {
    fn person(self) -> Option<PersonKey> {
        [
            (PersonKind::Id, self.id),
            (PersonKind::Email, self.email),
            (PersonKind::CioId, self.cio_id),
            (PersonKind::AnonymousId, self.anonymous_id),
        ]
        .into_iter()
        .find_map(|(kind, value)| Some(PersonKey::new(kind, value?)))
    }
}

/// The person in a path of v1, which tells the identifier's kind from its shape.
fn person_of_path(path: &str) -> Option<PersonKey> {
    let encoded = path.strip_prefix("/api/v1/customers/")?.split('/').next()?;
    let value = percent_decode_str(encoded).decode_utf8().ok()?;
    Some(match value.strip_prefix("cio_") {
        Some(id) => PersonKey::new(PersonKind::CioId, id),
        None if value.contains('@') => PersonKey::new(PersonKind::Email, value),
        None => PersonKey::new(PersonKind::Id, value),
    })
}

impl EventKey {
    /// What a list of activities says about the event. `is_whole` is whether the list has all
    /// activities that it could be among.
    pub fn among(&self, activities: &[Activity], is_whole: bool) -> EventAnswer {
        let is_it = |one: &&Activity| {
            let is_same_time = one.name == self.name && one.at_s == self.at_s;
            // The same ID proves it, but Customer.io doesn't promise that it keeps ours.
            is_same_time || (!self.id.is_empty() && one.id == self.id)
        };
        let mut same = activities.iter().filter(is_it);
        let mut has_failed = false;
        let applied = same.find(|one| {
            has_failed |= one.kind == "failed_event";
            matches!(one.kind.as_str(), "event" | "page" | "screen")
        });
        match (applied, has_failed, is_whole) {
            (Some(_), ..) => EventAnswer::Found,
            (None, true, _) => EventAnswer::Failed,
            (None, false, true) => EventAnswer::Missing,
            (None, false, false) => EventAnswer::Undecided,
        }
    }
}
