//! The subject of a question: which events of the ring a typed text means.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;
use crate::tui::person::query::Identity;

/// The events that a question is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// Those of a person, all or of one type.
    Person(Identity, Option<Arc<str>>),
    /// The event with this `uuid` or insert ID.
    Event(String),
    /// Those of a type.
    Type(Arc<str>),
    /// Those that contain an e-mail address, of several persons.
    Email(String),
}

impl Subject {
    /// Whether a record is of the subject.
    pub(super) fn has(&self, record: &Record) -> bool {
        let Some(event) = record.event() else {
            return false;
        };
        match self {
            Self::Person(identity, event_type) => {
                let is_of_type = |name: &Arc<str>| record.event_type() == &**name;
                identity.is_of(event) && event_type.as_ref().is_none_or(is_of_type)
            }
            Self::Event(id) => is_event_id(record, id),
            Self::Type(name) => record.event_type() == &**name,
            Self::Email(email) => record.text().contains(email),
        }
    }

    /// The person, if the subject is one.
    pub fn person(&self) -> Option<&Identity> {
        match self {
            Self::Person(identity, _) => Some(identity),
            _ => None,
        }
    }
}

fn is_event_id(record: &Record, id: &str) -> bool {
    let event = record.event();
    let ids = event.map(|event| [event.uuid(), event.insert_id()]);
    ids.into_iter().flatten().flatten().any(|found| found == id)
}

/// What a text can mean, as far as events in the ring say so.
#[derive(Default)]
struct Meanings {
    person: Option<Identity>,
    event_id: bool,
    event_type: Option<Arc<str>>,
    /// The persons in whose events the e-mail address is.
    emails: BTreeSet<(bool, String)>,
    /// The person of the first word, and the type that the other words name.
    pair: (Option<Identity>, Option<Arc<str>>),
}

/// The person of an ID in a record.
fn person(record: &Record, id: &str) -> Option<Identity> {
    let event = record.event()?;
    let is_it = |found: Option<std::borrow::Cow<'_, str>>| found.is_some_and(|found| found == id);
    if is_it(event.user_id()) {
        Some(Identity::User(id.to_owned()))
    } else {
        is_it(event.device_id()).then(|| Identity::Device(id.to_owned()))
    }
}

fn event_type(record: &Record, name: &str) -> Option<Arc<str>> {
    let found = record.event_type();
    (!name.is_empty() && found.eq_ignore_ascii_case(name)).then(|| found.into())
}

impl Meanings {
    fn look_at(&mut self, record: &Record, asked: &str) {
        self.person = self.person.take().or_else(|| person(record, asked));
        self.event_id |= is_event_id(record, asked);
        let event_type_asked = || event_type(record, asked);
        self.event_type = self.event_type.take().or_else(event_type_asked);
        if let Some((id, name)) = asked.split_once(' ') {
            let (of, named) = &mut self.pair;
            *of = of.take().or_else(|| person(record, id));
            *named = named.take().or_else(|| event_type(record, name.trim()));
        }
        if asked.contains('@') && record.text().contains(asked) {
            let identity = record.event().and_then(Identity::of);
            self.emails.extend(identity.map(|identity| {
                let is_device = matches!(identity, Identity::Device(_));
                (is_device, identity.id().to_owned())
            }));
        }
    }

    /// The most specific meaning.
    fn subject(mut self, asked: &str) -> Option<Subject> {
        if let Some(person) = self.person {
            return Some(Subject::Person(person, None));
        }
        if self.event_id {
            return Some(Subject::Event(asked.to_owned()));
        }
        if let Some(event_type) = self.event_type {
            return Some(Subject::Type(event_type));
        }
        if let (Some(person), Some(event_type)) = self.pair {
            return Some(Subject::Person(person, Some(event_type)));
        }
        let (is_device, id) = self.emails.pop_first()?;
        if !self.emails.is_empty() {
            return Some(Subject::Email(asked.to_owned()));
        }
        let person = if is_device {
            Identity::Device(id)
        } else {
            Identity::User(id)
        };
        Some(Subject::Person(person, None))
    }
}

/// What `asked` means: the ID of a person, of an event, the name of an event type, an ID and a name,
/// or an e-mail address. None if no event in the ring says so.
pub(super) fn subject(asked: &str, ring: &SharedRing) -> Option<Subject> {
    let mut meanings = Meanings::default();
    let mut next = 0;
    // The ring is not locked while the events are looked at.
    while let Some(records) = ring.copy_batch(&mut next, |record| Some(record.clone())) {
        for record in &records {
            meanings.look_at(record, asked);
        }
    }
    meanings.subject(asked)
}
