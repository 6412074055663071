//! The question, from the events in the ring; and the timeline, with the answer.

use std::collections::VecDeque;

use crate::amplitude::Reading;
use crate::amplitude::time::{self, UnixMs};
use crate::customerio::Mapping;
use crate::customerio::app::{Activity, EventKey, Look, PersonKey, PersonKind, Question};
use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;
use crate::tui::customerio::about::AskedAbout;
use crate::tui::person::query::Identity;

/// Maximum events of the ring in a timeline: the newest ones.
const TIMELINE: usize = 200;

/// The question to ask, and the events of the person in the ring.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The question.
    pub question: Question,
    /// The newest events of the person, the oldest first.
    pub records: VecDeque<Record>,
}

/// An answer of Customer.io, in one timeline with the forwarder's events.
#[derive(Debug, Clone)]
pub struct CustomerIoAnswer {
    /// The person.
    pub person: PersonKey,
    /// The event, if the question named one.
    pub event: Option<EventKey>,
    /// The answer.
    pub look: Look,
    /// Events and activities, the oldest first.
    pub timeline: Vec<Entry>,
}

/// An entry of the timeline.
#[derive(Debug, Clone)]
pub enum Entry {
    /// An event that this forwarder received.
    Here(Box<Record>),
    /// An activity at Customer.io.
    There(Activity),
}

impl Entry {
    /// Its text, for a search.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Here(record) => record.event_type().to_owned(),
            Self::There(activity) => format!("{} {}", activity.words(), activity.name),
        }
    }

    /// Its time, in milliseconds.
    fn at_ms(&self) -> UnixMs {
        match self {
            Self::Here(record) => {
                let event = record.event().and_then(|event| event.time().ok());
                event.unwrap_or(record.received_ms)
            }
            // The last millisecond of the second: what follows from an event comes after it.
            Self::There(activity) => activity.at_s * 1_000 + 999,
        }
    }
}

impl Prepared {
    /// Finds out whom to ask about.
    pub fn of(about: &AskedAbout, ring: &SharedRing, mapping: &Mapping) -> Result<Self, String> {
        let (identity, sequence) = match about {
            AskedAbout::Person(identity) => (Some(identity.clone()), None),
            AskedAbout::Event(sequence) => {
                let record = ring.lock().from(*sequence).next().cloned();
                let record = record.filter(|record| record.sequence == *sequence);
                let gone = "the event has left the ring (screen.ring_bytes sets its size)";
                let record = record.ok_or(gone)?;
                let identity = record.event().and_then(Identity::of);
                (identity, Some(record))
            }
        };
        let records = identity
            .as_ref()
            .map(|identity| records_of(identity, ring))
            .unwrap_or_default();
        let question = match &sequence {
            Some(record) => question(record, mapping).ok_or(
                "Customer.io can't be asked about this event: it can't be sent without a person and a time",
            )?,
            None => {
                let mut newest = records.iter().rev();
                let known = newest.find_map(|record| question(record, mapping));
                let person = known.map(|question| question.person);
                let Some(person) = person.or_else(|| identity.as_ref().map(key)) else {
                    return Err("there is nobody to ask about".to_owned());
                };
                Question {
                    person,
                    event: None,
                }
            }
        };
        Ok(Self { question, records })
    }

    /// Puts an answer and the events into one timeline.
    pub fn with(self, look: Look) -> CustomerIoAnswer {
        let here = self
            .records
            .into_iter()
            .map(|one| Entry::Here(Box::new(one)));
        let there = look.activities.iter().cloned().map(Entry::There);
        let mut timeline: Vec<Entry> = here.chain(there).collect();
        timeline.sort_by_key(Entry::at_ms);
        CustomerIoAnswer {
            person: self.question.person,
            event: self.question.event,
            look,
            timeline,
        }
    }
}

/// The question about an event, as it is sent.
fn question(record: &Record, mapping: &Mapping) -> Option<Question> {
    let reading = Reading::new(record.event()?);
    let item = mapping.map(&reading, Vec::new()).item()?;
    Question::about(&item.route, &item.body)
}

/// The person at Customer.io, where no event in the ring says more.
fn key(identity: &Identity) -> PersonKey {
    let kind = match identity {
        Identity::User(_) => PersonKind::Id,
        Identity::Device(_) => PersonKind::AnonymousId,
    };
    PersonKey::new(kind, identity.id())
}

fn records_of(identity: &Identity, ring: &SharedRing) -> VecDeque<Record> {
    let mut found = VecDeque::new();
    let is_of = |record: &Record| {
        let is_of = record.event().is_some_and(|event| identity.is_of(event));
        is_of.then(|| record.clone())
    };
    let mut next = 0;
    while let Some(records) = ring.copy_batch(&mut next, is_of) {
        for record in records {
            if found.len() == TIMELINE {
                found.pop_front();
            }
            found.push_back(record);
        }
    }
    found
}

/// A time: of day if it is of the same day as `now_ms`, otherwise with its date: `11-25 12:04`.
pub(crate) fn shown_time(at_ms: UnixMs, now_ms: UnixMs) -> String {
    const DAY_MS: i64 = 86_400_000;
    if at_ms.div_euclid(DAY_MS) == now_ms.div_euclid(DAY_MS) {
        return time::to_clock_seconds(at_ms);
    }
    let stamp = time::to_stamp_seconds(at_ms);
    stamp.get(5..16).unwrap_or(&stamp).to_owned()
}
