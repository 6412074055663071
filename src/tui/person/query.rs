//! The identity of a person, and a summary of their events in the ring.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::amplitude::Event;
use crate::amplitude::time::UnixMs;
use crate::delivery::spool::dead_letters::DeadLetter;
use crate::filter::expression_builder::quoted;
use crate::filter::preview::most_first;
use crate::filter::{BlockedBy, Decision};
use crate::limits::{Code, Policy};
use crate::protocol::{Outcome, Record};
use crate::telemetry::ring::SharedRing;
use crate::tui::events::find::Find;

/// The identity of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A `user_id`.
    User(String),
    /// The `device_id` of events without a user.
    Device(String),
}

impl Identity {
    /// The person of an event, if it names one.
    pub fn of(event: &Event) -> Option<Self> {
        let is_id = |id: &std::borrow::Cow<'_, str>| !id.is_empty();
        let user = event.user_id().filter(is_id);
        let device = || event.device_id().filter(is_id);
        user.map(|id| Self::User(id.into_owned()))
            .or_else(|| device().map(|id| Self::Device(id.into_owned())))
    }

    /// The ID.
    pub fn id(&self) -> &str {
        match self {
            Self::User(id) | Self::Device(id) => id,
        }
    }

    /// The field that holds the ID.
    pub fn field(&self) -> &'static str {
        match self {
            Self::User(_) => "user_id",
            Self::Device(_) => "device_id",
        }
    }

    /// A search for the events of the person.
    pub fn find(&self) -> Option<Find> {
        Find::parse(&format!("{} == {}", self.field(), quoted(self.id())))
    }

    /// Whether an event is of the person.
    pub(crate) fn is_of(&self, event: &Event) -> bool {
        match self {
            Self::User(id) => event.user_id().is_some_and(|u| u == id.as_str()),
            Self::Device(id) => event.device_id().is_some_and(|d| d == id.as_str()),
        }
    }
}

/// A summary of a person's events in the ring.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Number of events.
    pub events: u64,
    /// The times at which the oldest and the newest event were received.
    pub seen: Option<(UnixMs, UnixMs)>,
    /// Delivered events.
    pub delivered: u64,
    /// Accepted events that are queued, in flight, or waiting for a retry.
    pub on_their_way: u64,
    /// Accepted events that can't be delivered.
    pub undelivered: u64,
    /// Events accepted in a dry run.
    pub dry_run: u64,
    /// The causes of filtering, the most frequent first.
    pub filtered_out: Vec<(BlockedBy, u64)>,
    /// The limits that rejected events, the most frequent first.
    pub rejected: Vec<(Code, u64)>,
    /// The limits that warned, the most frequent first.
    pub warned: Vec<(Code, u64)>,
    /// The event types, the most frequent first.
    pub types: Vec<(Arc<str>, u64)>,
    /// The dead letters of this person, the newest first, also of earlier runs.
    pub dead_letters: Vec<DeadLetter>,
}

impl Summary {
    /// A summary of events that are counted one by one.
    pub(crate) fn counting() -> Counting {
        Counting::default()
    }

    /// Summarizes the events of a person in the ring.
    pub fn of(identity: &Identity, ring: &SharedRing) -> Self {
        let mut counting = Counting::default();
        let of_person = |record: &Record| {
            let is_of = record.event().is_some_and(|event| identity.is_of(event));
            is_of.then(|| record.clone())
        };
        let mut next = 0;
        while let Some(records) = ring.copy_batch(&mut next, of_person) {
            records.iter().for_each(|record| counting.add(record));
        }
        counting.summary()
    }
}

/// A summary under construction.
#[derive(Default)]
pub(crate) struct Counting {
    summary: Summary,
    filtered_out: FxHashMap<BlockedBy, u64>,
    rejected: FxHashMap<Code, u64>,
    warned: FxHashMap<Code, u64>,
    types: FxHashMap<Arc<str>, u64>,
}

impl Counting {
    /// Counts an event.
    pub(crate) fn add(&mut self, record: &Record) {
        let story = &record.story;
        let sum = &mut self.summary;
        sum.events += 1;
        let first = sum.seen.map_or(record.received_ms, |(first, _)| first);
        sum.seen = Some((first, record.received_ms));
        *self.types.entry(record.event_type().into()).or_default() += 1;
        match &story.decision {
            Some(Decision::Filtered { by }) => {
                *self.filtered_out.entry(by.clone()).or_default() += 1;
                // Violations don't count for an event that would not be sent anyway.
                return;
            }
            Some(Decision::Rejected { code }) => *self.rejected.entry(*code).or_default() += 1,
            Some(Decision::Accepted) | None => match &story.outcome {
                Outcome::Delivered { .. } => sum.delivered += 1,
                Outcome::OnItsWay | Outcome::Waiting { .. } => sum.on_their_way += 1,
                Outcome::Undelivered { .. } => sum.undelivered += 1,
                Outcome::DryRun => sum.dry_run += 1,
                Outcome::NotSent | Outcome::HandedOver => {}
            },
        }
        for violation in story.violations.iter().filter(|v| v.policy == Policy::Warn) {
            *self.warned.entry(violation.code).or_default() += 1;
        }
    }

    /// The summary of the counted events.
    pub(crate) fn summary(self) -> Summary {
        Summary {
            filtered_out: most_first(self.filtered_out),
            rejected: most_first(self.rejected),
            warned: most_first(self.warned),
            types: most_first(self.types),
            ..self.summary
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::event;
    use crate::protocol::tests_support::record;

    #[test]
    fn an_event_is_of_its_user_or_else_of_its_device() {
        for (text, expected) in [
            (
                r#"{"event_type":"A","user_id":"u","device_id":"d"}"#,
                Some(Identity::User("u".to_owned())),
            ),
            (
                r#"{"event_type":"A","user_id":null,"device_id":"d"}"#,
                Some(Identity::Device("d".to_owned())),
            ),
            (r#"{"event_type":"A","user_id":""}"#, None),
        ] {
            assert_eq!(Identity::of(&event(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_persons_events_are_counted_by_what_became_of_them() {
        let ring = SharedRing::new(1 << 20);
        let (u, v) = (
            r#"{"event_type":"A","user_id":"u"}"#,
            r#"{"event_type":"B","user_id":"v"}"#,
        );
        let b = r#"{"event_type":"B","user_id":"u"}"#;
        let by = BlockedBy::Type;
        let held = Decision::Filtered { by: by.clone() };
        let code = Code::IdTooLong;
        ring.lock().extend([
            record(1, v, Decision::Accepted, Outcome::OnItsWay),
            record(2, u, Decision::Accepted, Outcome::Delivered { took_ms: 5 }),
            record(3, b, held.clone(), Outcome::NotSent),
            record(4, b, held, Outcome::NotSent),
            record(5, u, Decision::Rejected { code }, Outcome::NotSent),
            record(6, b, Decision::Accepted, Outcome::Waiting { next_ms: 9 }),
        ]);
        let identity = Identity::User("u".to_owned());
        let summary = Summary::of(&identity, &ring);
        assert_eq!(
            summary,
            Summary {
                events: 5,
                seen: Some((2_000, 6_000)),
                delivered: 1,
                on_their_way: 1,
                filtered_out: vec![(by, 2)],
                rejected: vec![(code, 1)],
                types: vec![("B".into(), 3), ("A".into(), 2)],
                ..Summary::default()
            }
        );
        let nobody = Identity::Device("u".to_owned());
        assert_eq!(Summary::of(&nobody, &ring), Summary::default());
    }
}
