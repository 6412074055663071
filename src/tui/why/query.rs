//! The answer to a question: the events that it is about, counted and in order.

use std::collections::VecDeque;

use crate::amplitude::time::UnixMs;
use crate::delivery::spool::dead_letters::DeadLetter;
use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;
use crate::tui::person::query::Summary;
use crate::tui::why::subject::subject;

pub use crate::tui::why::subject::Subject;

/// Maximum events in a timeline: the newest ones.
const TIMELINE: usize = 500;

/// The answer to a question.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// What it is about. None if no event in the ring has to do with the question.
    pub subject: Option<Subject>,
    /// When the oldest event in the ring was received, and how many events there are.
    pub ring: (Option<UnixMs>, u64),
    /// The counts of all events of the subject.
    pub summary: Summary,
    /// The newest of these events, the oldest first.
    pub timeline: VecDeque<Record>,
    /// The dead letters of the person, the newest first, also of earlier runs.
    pub dead_letters: Vec<DeadLetter>,
}

impl Answer {
    /// Answers from the events in the ring.
    pub fn of(asked: &str, ring: &SharedRing) -> Self {
        let asked = asked.trim();
        let mut answer = Self {
            subject: subject(asked, ring),
            ..Self::default()
        };
        {
            let ring = ring.lock();
            let oldest = ring.from(0).next().map(|record| record.received_ms);
            answer.ring = (oldest, ring.row().events);
        }
        let Some(subject) = &answer.subject else {
            return answer;
        };
        let mut counting = Summary::counting();
        let mut next = 0;
        while let Some(records) = ring.copy_batch(&mut next, |record| Some(record.clone())) {
            for record in records.into_iter().filter(|record| subject.has(record)) {
                counting.add(&record);
                if answer.timeline.len() == TIMELINE {
                    answer.timeline.pop_front();
                }
                answer.timeline.push_back(record);
            }
        }
        answer.summary = counting.summary();
        answer
    }

    /// Whether the question was the name of an event type, and so no personal data.
    pub fn is_about_a_type(&self) -> bool {
        matches!(self.subject, Some(Subject::Type(_)))
    }

    /// The ID whose dead letters belong to the answer.
    pub fn person_id<'a>(&'a self, asked: &'a str) -> &'a str {
        let person = self.subject.as_ref().and_then(Subject::person);
        person.map_or(asked.trim(), |identity| identity.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Decision;
    use crate::protocol::Outcome;
    use crate::protocol::tests_support::record;
    use crate::tui::person::query::Identity;

    fn ring() -> SharedRing {
        let ring = SharedRing::new(1 << 20);
        let events = [
            r#"{"event_type":"Purchase Completed","user_id":"u-1","insert_id":"i-1"}"#,
            r#"{"event_type":"Purchase Completed","user_id":"u-2","insert_id":"i-2","user_properties":{"email":"ann@example.com"}}"#,
            r#"{"event_type":"Cart Viewed","user_id":"u-2","insert_id":"i-3","event_properties":{"to":"two@example.com"}}"#,
            r#"{"event_type":"Cart Viewed","device_id":"d-1","insert_id":"i-4","event_properties":{"to":"two@example.com"}}"#,
        ];
        let all = events.into_iter().zip(1..);
        let all = all.map(|(text, n)| record(n, text, Decision::Accepted, Outcome::OnItsWay));
        ring.lock().extend(all);
        ring
    }

    #[test]
    fn a_question_is_understood_by_what_the_events_say() {
        let ring = ring();
        let user = |id: &str| Identity::User(id.to_owned());
        let purchase: std::sync::Arc<str> = "Purchase Completed".into();
        for (asked, subject, events) in [
            ("u-1", Some(Subject::Person(user("u-1"), None)), vec![1]),
            (
                " u-2 ",
                Some(Subject::Person(user("u-2"), None)),
                vec![2, 3],
            ),
            (
                "d-1",
                Some(Subject::Person(Identity::Device("d-1".to_owned()), None)),
                vec![4],
            ),
            ("i-3", Some(Subject::Event("i-3".to_owned())), vec![3]),
            (
                "purchase completed",
                Some(Subject::Type(purchase.clone())),
                vec![1, 2],
            ),
            (
                "u-2 Purchase completed",
                Some(Subject::Person(user("u-2"), Some(purchase))),
                vec![2],
            ),
            // An address that is in one person's events means all of this person's events.
            (
                "ann@example.com",
                Some(Subject::Person(user("u-2"), None)),
                vec![2, 3],
            ),
            (
                "two@example.com",
                Some(Subject::Email("two@example.com".to_owned())),
                vec![3, 4],
            ),
            ("u-9", None, vec![]),
            ("u-1 Cart Ended", None, vec![]),
            ("", None, vec![]),
        ] {
            let answer = Answer::of(asked, &ring);
            assert_eq!(answer.subject, subject, "{asked}");
            let found: Vec<u64> = answer.timeline.iter().map(|r| r.sequence).collect();
            assert_eq!(found, events, "{asked}");
            assert_eq!(answer.summary.events, events.len() as u64, "{asked}");
            assert_eq!(answer.ring, (Some(1_000), 4));
        }
    }

    #[test]
    fn all_events_are_counted_and_the_newest_are_in_the_timeline() {
        let ring = SharedRing::new(16 << 20);
        let text = r#"{"event_type":"A","user_id":"u"}"#;
        let new = |n| record(n, text, Decision::Accepted, Outcome::OnItsWay);
        ring.lock().extend((1..=800).map(new));
        let answer = Answer::of("u", &ring);
        assert_eq!(answer.summary.events, 800);
        assert_eq!(answer.timeline.len(), TIMELINE);
        assert_eq!(answer.timeline.back().map(|r| r.sequence), Some(800));
    }
}
