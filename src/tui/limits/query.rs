//! Where a limit is broken, and how near to it the other events are.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::amplitude::Reading;
use crate::amplitude::time::UnixMs;
use crate::customerio::mapping::Mapping;
use crate::filter::preview::most_first;
use crate::limits::{
    Code, Subject, Violation, {self},
};
use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;

/// So many of the newest events are measured.
const MEASURED: u64 = 5_000;
/// The upper ends of the shares of a limit that are told apart, in percent.
const SHARES: [u64; 4] = [10, 50, 90, 100];

/// Where a limit is broken, as far as the ring goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Breakdown {
    /// The places, the most frequent first.
    pub places: Vec<Place>,
    /// How much of the limit the newest events take; nothing where there is nothing to measure.
    pub spread: Vec<Share>,
}

/// An event type, and where in its events the limit is broken.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The event type.
    pub event_type: Arc<str>,
    /// The path in the event.
    pub path: String,
    /// How often.
    pub count: u64,
    /// When it was first seen.
    pub first_ms: UnixMs,
    /// When it was last seen.
    pub last_ms: UnixMs,
    /// The worst case.
    pub worst: Violation,
    /// The last event.
    pub last_sequence: u64,
}

/// The events that take so much of a limit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Share {
    /// From which share on, in percent.
    pub over: u64,
    /// Up to which share, in percent; over the limit there is no end.
    pub upto: Option<u64>,
    /// How many.
    pub events: u64,
    /// Their types, the most frequent first.
    pub types: Vec<(Arc<str>, u64)>,
}

impl Breakdown {
    /// Of a limit, on the events in the ring.
    pub fn of(code: Code, ring: &SharedRing, mapping: &Mapping) -> Self {
        let measured_from = ring.lock().end().saturating_sub(MEASURED);
        let is_measured = code.limit().unit != limits::Unit::None;
        let here = |record: &Record| {
            let is_measured = is_measured && record.sequence >= measured_from;
            (is_measured || violation(record, code).is_some()).then(|| record.clone())
        };
        let mut places: FxHashMap<(Arc<str>, String), Place> = FxHashMap::default();
        let mut spread = Spread::new(code.limit().limit);
        let mut next = 0;
        while let Some(records) = ring.copy_batch(&mut next, here) {
            for record in &records {
                if let Some(violation) = violation(record, code) {
                    add(&mut places, record, violation);
                }
                if record.sequence >= measured_from {
                    spread.add(code, record, mapping);
                }
            }
        }
        let mut places: Vec<Place> = places.into_values().collect();
        places.sort_by(|a, b| {
            let rank = |p: &Place| (p.count, p.last_ms);
            rank(b).cmp(&rank(a)).then_with(|| a.path.cmp(&b.path))
        });
        Self {
            places,
            spread: spread.shares(),
        }
    }

    /// How often the limit is broken.
    pub fn count(&self) -> u64 {
        self.places.iter().map(|place| place.count).sum()
    }
}

/// How an event breaks a limit. What the operator holds back counts nowhere: it would not have
/// gone.
pub(crate) fn violation(record: &Record, code: Code) -> Option<&Violation> {
    let story = &record.story;
    let found = story.violations.iter().find(|v| v.code == code);
    found.filter(|_| !story.is_filtered_out())
}

fn add(places: &mut FxHashMap<(Arc<str>, String), Place>, record: &Record, violation: &Violation) {
    let event_type: Arc<str> = record.event_type().into();
    let path = violation.path.to_string();
    let place = places
        .entry((event_type.clone(), path.clone()))
        .or_insert_with(|| Place {
            event_type,
            path,
            count: 0,
            first_ms: record.received_ms,
            last_ms: record.received_ms,
            worst: violation.clone(),
            last_sequence: record.sequence,
        });
    place.count += 1;
    place.last_ms = record.received_ms;
    place.last_sequence = record.sequence;
    if violation.measured > place.worst.measured {
        place.worst = violation.clone();
    }
}

/// Counts of events by the share of the limit that they take.
struct Spread {
    limit: u64,
    events: [u64; SHARES.len() + 1],
    types: [FxHashMap<Arc<str>, u64>; SHARES.len() + 1],
}

impl Spread {
    fn new(limit: u64) -> Self {
        Self {
            limit,
            events: [0; SHARES.len() + 1],
            types: Default::default(),
        }
    }

    fn add(&mut self, code: Code, record: &Record, mapping: &Mapping) {
        let Some(event) = record.event() else { return };
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

    /// The largest first; nothing where nothing was measured.
    fn shares(self) -> Vec<Share> {
        if self.events.iter().all(|count| *count == 0) {
            return Vec::new();
        }
        let mut shares: Vec<Share> = Vec::new();
        for (bin, types) in self.types.into_iter().enumerate() {
            shares.push(Share {
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
        let told: Vec<_> = found
            .places
            .iter()
            .map(|p| (&*p.event_type, p.path.as_str(), p.count, p.worst.measured))
            .collect();
        assert_eq!(
            told,
            [("Type 0", "user_id", 1, 200), ("Type 1", "user_id", 1, 151)]
        );
        assert_eq!(found.count(), 2);
        let spread: Vec<_> = found
            .spread
            .iter()
            .map(|s| (s.over, s.upto, s.events))
            .collect();
        assert_eq!(
            spread,
            [
                (100, None, 2),
                (90, Some(100), 2),
                (50, Some(90), 1),
                (10, Some(50), 0),
                (0, Some(10), 2),
            ]
        );
        assert_eq!(
            found.spread[1].types,
            [("Type 0".into(), 1), ("Type 1".into(), 1)]
        );
        let exported = Events::Breaking(Code::IdTooLong).lines(&ring());
        assert_eq!(exported.len(), 2);
        assert!(
            exported.iter().all(|line| !line.contains('\n')),
            "{exported:?}"
        );
    }

    #[test]
    fn a_limit_that_only_forbids_has_places_and_no_spread() {
        let found = Breakdown::of(Code::IdMissing, &ring(), &Mapping::default());
        assert_eq!(found, Breakdown::default());
    }
}
