//! The violations of a limit in the ring, and the usage of the limit by other events.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::amplitude::Reading;
use crate::amplitude::time::UnixMs;
use crate::customerio::mapping::Mapping;
use crate::filter::preview::most_first;
use crate::limits::{self, Code, Subject, Violation};
use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;

/// Number of the newest events whose usage is measured.
const MEASURED: u64 = 5_000;
/// The upper bounds of the bands of usage, in percent of the limit.
const SHARES: [u64; 4] = [10, 50, 90, 100];

/// A time without a violation that ends a surge, in milliseconds.
const QUIET_MS: i64 = 60_000;

/// The violations of a limit in the ring.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Breakdown {
    /// The violations by event type and path, the most frequent first.
    pub groups: Vec<ViolationGroup>,
    /// The usage of the limit by the newest events. Empty if the limit has no size.
    pub usage: Vec<UsageBand>,
    /// The number of events among which the usage was measured: the newest that passed the filters.
    pub measured: u64,
}

/// The violations in one event type at one path.
#[derive(Debug, Clone, PartialEq)]
pub struct ViolationGroup {
    /// The event type.
    pub event_type: Arc<str>,
    /// The path in the event.
    pub path: String,
    /// Number of violations.
    pub count: u64,
    /// The start of the current surge: the first violation after a minute without any.
    pub surge_ms: UnixMs,
    /// Whether the surge may have begun before the ring.
    pub surge_is_older: bool,
    /// The time of the last violation.
    pub last_ms: UnixMs,
    /// The worst case.
    pub worst: Violation,
    /// The sequence number of the last event.
    pub last_sequence: u64,
}

/// The events within a band of usage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UsageBand {
    /// The lower bound, in percent of the limit.
    pub over: u64,
    /// The upper bound, in percent of the limit. None: above the limit.
    pub upto: Option<u64>,
    /// Number of events.
    pub events: u64,
    /// The event types, the most frequent first.
    pub types: Vec<(Arc<str>, u64)>,
}

impl Breakdown {
    /// Counts the violations of a limit, and measures its usage.
    pub fn of(code: Code, ring: &SharedRing, mapping: &Mapping) -> Self {
        let (measured_from, oldest_ms) = {
            let ring = ring.lock();
            let oldest = ring.from(0).next().map_or(0, |record| record.received_ms);
            (ring.end().saturating_sub(MEASURED), oldest)
        };
        let is_measured = code.limit().unit != limits::Unit::None;
        let here = |record: &Record| {
            let is_measured =
                is_measured && record.sequence >= measured_from && !record.story.is_filtered_out();
            (is_measured || violation(record, code).is_some()).then(|| record.clone())
        };
        let mut groups: FxHashMap<(Arc<str>, String), ViolationGroup> = FxHashMap::default();
        let mut usage = UsageHistogram::new(code.limit().limit);
        let mut next = 0;
        while let Some(records) = ring.copy_batch(&mut next, here) {
            for record in &records {
                if let Some(violation) = violation(record, code) {
                    add(&mut groups, record, violation, oldest_ms);
                }
                if record.sequence >= measured_from {
                    usage.add(code, record, mapping);
                }
            }
        }
        let mut groups: Vec<ViolationGroup> = groups.into_values().collect();
        groups.sort_by(|a, b| {
            let rank = |p: &ViolationGroup| (p.count, p.last_ms);
            rank(b).cmp(&rank(a)).then_with(|| a.path.cmp(&b.path))
        });
        Self {
            groups,
            measured: usage.measured,
            usage: usage.shares(),
        }
    }

    /// Total number of violations.
    pub fn count(&self) -> u64 {
        self.groups.iter().map(|group| group.count).sum()
    }
}

/// The violation of a limit by an event. None for an event that was filtered out, since it would
/// not be sent anyway.
pub(crate) fn violation(record: &Record, code: Code) -> Option<&Violation> {
    let story = &record.story;
    let found = story.violations.iter().find(|v| v.code == code);
    found.filter(|_| !story.is_filtered_out())
}

fn add(
    groups: &mut FxHashMap<(Arc<str>, String), ViolationGroup>,
    record: &Record,
    violation: &Violation,
    oldest_ms: UnixMs,
) {
    let event_type: Arc<str> = record.event_type().into();
    let path = violation.path.to_string();
    let group = groups
        .entry((event_type.clone(), path.clone()))
        .or_insert_with(|| ViolationGroup {
            event_type,
            path,
            count: 0,
            surge_ms: record.received_ms,
            surge_is_older: record.received_ms - oldest_ms <= QUIET_MS,
            last_ms: record.received_ms,
            worst: violation.clone(),
            last_sequence: record.sequence,
        });
    group.count += 1;
    if record.received_ms - group.last_ms > QUIET_MS {
        group.surge_ms = record.received_ms;
        group.surge_is_older = false;
    }
    group.last_ms = record.received_ms;
    group.last_sequence = record.sequence;
    if violation.measured > group.worst.measured {
        group.worst = violation.clone();
    }
}

/// Counts of events by their usage of the limit.
struct UsageHistogram {
    limit: u64,
    events: [u64; SHARES.len() + 1],
    /// Number of events, with a measurement or without.
    measured: u64,
    types: [FxHashMap<Arc<str>, u64>; SHARES.len() + 1],
}

impl UsageHistogram {
    fn new(limit: u64) -> Self {
        Self {
            limit,
            events: [0; SHARES.len() + 1],
            measured: 0,
            types: Default::default(),
        }
    }

    fn add(&mut self, code: Code, record: &Record, mapping: &Mapping) {
        let Some(event) = record.event() else { return };
        self.measured += 1;
        let reading = Reading::new(event);
        let mapped = mapping.map(&reading, Vec::new());
        let subject = Subject::new(&reading, &mapped, mapping, record.received_ms);
        let Some(measured) = limits::measure(code, &subject) else {
            return;
        };
        let is_within = |share: &u64| measured * 100 <= self.limit * share;
        let bin = SHARES.iter().position(is_within).unwrap_or(SHARES.len());
        self.events[bin] += 1;
        let types = &mut self.types[bin];
        *types.entry(record.event_type().into()).or_default() += 1;
    }

    /// The bands, the highest first. Empty if nothing was measured.
    fn shares(self) -> Vec<UsageBand> {
        if self.events.iter().all(|count| *count == 0) {
            return Vec::new();
        }
        let mut shares: Vec<UsageBand> = Vec::new();
        for (bin, types) in self.types.into_iter().enumerate() {
            shares.push(UsageBand {
                over: bin.checked_sub(1).map_or(0, |below| SHARES[below]),
                upto: SHARES.get(bin).copied(),
                events: self.events[bin],
                types: most_first(types),
            });
        }
        shares.reverse();
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Decision;
    use crate::limits::{Policies, check_alone};
    use crate::protocol::Outcome;
    use crate::protocol::tests_support::record;
    use crate::tui::events::export::Events;

    fn ring() -> SharedRing {
        let ring = SharedRing::new(1 << 20);
        let lengths = [3, 14, 100, 140, 150, 151, 200];
        let broken = |(n, length): (usize, &usize)| {
            let id = "x".repeat(*length);
            let text = format!(
                "{{\"event_type\":\"Type {}\",\n\"user_id\":\"{id}\",\"insert_id\":\"{n}\",\"time\":1}}",
                n % 2
            );
            let mut record = record(n as u64 + 1, &text, Decision::Accepted, Outcome::OnItsWay);
            let (mapping, policies) = (Mapping::default(), Policies::default());
            let event = record.event().unwrap();
            record.story.violations = check_alone(event, &mapping, &policies, 1, false);
            record
        };
        ring.lock().extend(lengths.iter().enumerate().map(broken));
        ring
    }

    #[test]
    fn a_limit_is_broken_down_by_place_and_others_are_measured() {
        let found = Breakdown::of(Code::IdTooLong, &ring(), &Mapping::default());
        let results: Vec<_> = found
            .groups
            .iter()
            .map(|p| (&*p.event_type, p.path.as_str(), p.count, p.worst.measured))
            .collect();
        assert_eq!(
            results,
            [("Type 0", "user_id", 1, 200), ("Type 1", "user_id", 1, 151)]
        );
        assert_eq!(found.count(), 2);
        let usage: Vec<_> = found
            .usage
            .iter()
            .map(|s| (s.over, s.upto, s.events))
            .collect();
        assert_eq!(
            usage,
            [
                (100, None, 2),
                (90, Some(100), 2),
                (50, Some(90), 1),
                (10, Some(50), 0),
                (0, Some(10), 2),
            ]
        );
        assert_eq!(
            found.usage[1].types,
            [("Type 0".into(), 1), ("Type 1".into(), 1)]
        );
        let exported = Events::Breaking(Code::IdTooLong).lines(&ring());
        assert_eq!(exported.len(), 2);
        assert!(
            exported.iter().all(|line| !line.contains('\n')),
            "{exported:?}"
        );
    }

    /// A ring of violations at these seconds, and of an event that was filtered out.
    fn surges(seconds: &[i64]) -> SharedRing {
        let ring = SharedRing::new(1 << 20);
        let id = "x".repeat(200);
        let text =
            format!("{{\"event_type\":\"A\",\"user_id\":\"{id}\",\"insert_id\":\"1\",\"time\":1}}");
        let mut records = vec![record(
            1,
            &text,
            Decision::Filtered {
                by: crate::filter::BlockedBy::Type,
            },
            Outcome::NotSent,
        )];
        records[0].received_ms = 0;
        for (sequence, second) in (2..).zip(seconds) {
            let mut record = record(sequence, &text, Decision::Accepted, Outcome::OnItsWay);
            let (mapping, policies) = (Mapping::default(), Policies::default());
            let event = record.event().unwrap();
            record.story.violations = check_alone(event, &mapping, &policies, 1, false);
            record.received_ms = second * 1_000;
            records.push(record);
        }
        ring.lock().extend(records);
        ring
    }

    #[test]
    fn a_surge_starts_after_a_quiet_minute_and_may_be_older_than_the_ring() {
        for (seconds, start_s, is_older) in [
            (&[5, 20, 50][..], 5, true),
            (&[5, 20, 81, 82][..], 81, false),
            (&[90, 95][..], 90, false),
        ] {
            let ring = surges(seconds);
            let found = Breakdown::of(Code::IdTooLong, &ring, &Mapping::default());
            let group = &found.groups[0];
            assert_eq!(
                (group.surge_ms, group.surge_is_older),
                (start_s * 1_000, is_older),
                "{seconds:?}"
            );
            // What was filtered out counts neither as a violation nor in the bars.
            assert_eq!(found.count(), seconds.len() as u64);
            assert_eq!(found.measured, found.count());
            assert_eq!(found.usage[0].events, found.count());
        }
    }

    #[test]
    fn a_limit_that_only_forbids_has_places_and_no_spread() {
        let found = Breakdown::of(Code::IdMissing, &ring(), &Mapping::default());
        assert_eq!(found, Breakdown::default());
    }
}
