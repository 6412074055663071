//! The figures of a range of time: what the ring holds of it.

use std::collections::BTreeMap;

use crate::amplitude::time::UnixMs;
use crate::protocol::{LimitRow, Outcome, Record, Totals, TypeRow};
use crate::telemetry::counters::Counters;
use crate::telemetry::latency::Latency;
use crate::telemetry::ring::SharedRing;
use crate::tui::range::time_range::TimeRange;

/// The events that were received in a range of time, counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Counts of the decisions.
    pub totals: Totals,
    /// Counts of the outcomes of accepted events by now.
    pub outcomes: Outcomes,
    /// The event types. Their rate is that over the part of the range that the ring holds.
    pub types: Vec<TypeRow>,
    /// The limits with violations. Their recent count is that of the range.
    pub limits: Vec<LimitRow>,
    /// The latencies of delivered events: median and 95th percentile, in milliseconds.
    pub latency_ms: Option<(u64, u64)>,
    /// The answers to their requests, by label. A request counts once per event in it.
    pub answers: BTreeMap<String, u64>,
    /// The reasons of events that can't be delivered, with their counts.
    pub reasons: BTreeMap<String, u64>,
    /// When the oldest event in the ring was received. What is older is not counted.
    pub oldest_ms: Option<UnixMs>,
}

/// The outcomes of accepted events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Delivered at the first attempt.
    pub first_attempt: u64,
    /// Delivered after a retry.
    pub after_retry: u64,
    /// Queued or in flight.
    pub queued: u64,
    /// Waiting for a retry.
    pub retrying: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Not sent because of the dry run.
    pub dry_run: u64,
}

impl Outcomes {
    /// Events that were delivered.
    pub fn delivered(&self) -> u64 {
        self.first_attempt + self.after_retry
    }
}

impl Figures {
    /// The part of a range that the ring holds. None if it holds nothing of it.
    pub fn covered(&self, range: TimeRange) -> Option<TimeRange> {
        let from_ms = range.from_ms.max(self.oldest_ms?);
        (from_ms < range.to_ms).then_some(TimeRange { from_ms, ..range })
    }

    /// Counts the events of the ring that were received in a range.
    pub fn of(range: TimeRange, ring: &SharedRing) -> Self {
        let mut figures = Self {
            oldest_ms: ring.lock().from(0).next().map(|record| record.received_ms),
            ..Self::default()
        };
        let mut counters = Counters::default();
        let mut latency = Latency::default();
        let mut next = 0;
        let in_range = |record: &Record| range.contains(record.received_ms).then(|| record.clone());
        while let Some(records) = ring.copy_batch(&mut next, in_range) {
            for record in &records {
                counters.count(record);
                figures.add(record, &mut latency);
            }
        }
        let covered = figures.covered(range).unwrap_or(range);
        let seconds = (covered.length_ms() as f64 / 1_000.0).max(1.0);
        figures.totals = counters.totals;
        figures.types = counters.types(range.to_ms);
        for row in &mut figures.types {
            row.rate = row.count as f64 / seconds;
        }
        figures.limits = counters.limits(range.to_ms);
        for row in &mut figures.limits {
            row.recent = row.count;
        }
        let row = latency.row();
        figures.latency_ms = (row.count > 0).then_some((row.p50_ms, row.p95_ms));
        figures
    }

    /// Adds the outcome of a record.
    fn add(&mut self, record: &Record, latency: &mut Latency) {
        let story = &record.story;
        for attempt in &story.attempts {
            *self.answers.entry(attempt.answer.clone()).or_default() += 1;
        }
        let outcomes = &mut self.outcomes;
        match &story.outcome {
            Outcome::NotSent | Outcome::HandedOver => {}
            Outcome::DryRun => outcomes.dry_run += 1,
            Outcome::OnItsWay => outcomes.queued += 1,
            Outcome::Waiting { .. } => outcomes.retrying += 1,
            Outcome::Delivered { took_ms } => {
                // One clock for all: what is old must not leave the distribution.
                latency.add(u64::from(*took_ms), 0);
                if story.attempts.len() > 1 {
                    outcomes.after_retry += 1;
                } else {
                    outcomes.first_attempt += 1;
                }
            }
            Outcome::Undelivered { reason, .. } => {
                outcomes.dead_letters += 1;
                *self.reasons.entry(reason.clone()).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{BlockedBy, Decision};
    use crate::protocol::tests_support::record;

    #[test]
    fn only_events_of_the_range_are_counted_each_once() {
        let ring = SharedRing::new(1 << 20);
        let filtered = Decision::Filtered {
            by: BlockedBy::Type,
        };
        let undelivered = Outcome::Undelivered {
            why: crate::delivery::Undelivered::Discarded,
            reason: "required".to_owned(),
            field: "name".to_owned(),
        };
        let cases = [
            (Decision::Accepted, Outcome::Delivered { took_ms: 80 }),
            (Decision::Accepted, Outcome::Delivered { took_ms: 90 }),
            (filtered, Outcome::NotSent),
            (Decision::Accepted, undelivered),
            (Decision::Accepted, Outcome::OnItsWay),
        ];
        let text = r#"{"event_type":"A","user_id":"u","insert_id":"1","time":1}"#;
        let records = (1_u64..).zip(cases).map(|(n, (decision, outcome))| {
            let mut record = record(n, text, decision, outcome);
            record.received_ms = n as i64 * 1_000;
            record
        });
        ring.lock().extend(records);
        let range = TimeRange {
            from_ms: 2_000,
            to_ms: 5_000,
        };
        let figures = Figures::of(range, &ring);
        assert_eq!(figures.totals.received, 3);
        assert_eq!((figures.totals.accepted, figures.totals.filtered), (2, 1));
        assert_eq!(figures.outcomes.delivered(), 1);
        assert_eq!(figures.outcomes.dead_letters, 1);
        assert_eq!(figures.reasons["required"], 1);
        assert_eq!(figures.latency_ms, Some((90, 90)));
        assert_eq!(figures.oldest_ms, Some(1_000));
        let [only] = &figures.types[..] else {
            panic!("{:?}", figures.types)
        };
        assert_eq!((only.count, only.rate), (3, 1.0));
    }
}
