//! Counts: in total, by event type, by limit.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::amplitude::time::UnixMs;
use crate::filter::{BlockedBy, Decision};
use crate::limits::{Code, Violation};
use crate::protocol::{LimitRow, Outcome, Record, TYPE_RATE_SECONDS, Totals, TypeRow};

/// Maximum event types with a row of their own; further ones share a row. A product that puts ids
/// into its event names must not fill the memory.
const TYPES: usize = 2_000;
/// The name of the shared row.
const OTHERS: &str = "(other types)";
/// Length of a trend's step in milliseconds, and number of steps: ten minutes.
const TREND_STEP_MS: i64 = 10_000;
const TREND_STEPS: usize = 60;
/// Maximum event types of a limit that are counted by themselves, for the same reason as `TYPES`.
const TYPES_OF_LIMIT: usize = 30;

/// The counts of a run.
#[derive(Debug, Default)]
pub struct Counters {
    /// Totals.
    pub totals: Totals,
    /// Number of answers, by label.
    pub answers: BTreeMap<String, u64>,
    types: FxHashMap<Arc<str>, TypeCount>,
    limits: BTreeMap<Code, LimitCount>,
}

#[derive(Debug, Default)]
struct TypeCount {
    count: u64,
    accepted: u64,
    /// Events by second, the newest last.
    seconds: VecDeque<(i64, u32)>,
}

#[derive(Debug)]
struct LimitCount {
    row: LimitRow,
    trend: Trend,
    types: FxHashMap<Arc<str>, Trend>,
}

/// Counts in the last ten minutes, by step.
#[derive(Debug)]
struct Trend {
    newest: i64,
    steps: VecDeque<u64>,
}

impl Counters {
    /// Counts a received record.
    pub fn count(&mut self, record: &Record) {
        let Some(decision) = &record.story.decision else {
            self.totals.malformed += record.malformed_parts();
            return;
        };
        let totals = &mut self.totals;
        totals.received += 1;
        totals.received_bytes += record.text().len() as u64;
        match decision {
            Decision::Accepted => {
                totals.accepted += 1;
                totals.dry_run += u64::from(record.story.outcome == Outcome::DryRun);
            }
            Decision::Filtered { by } => {
                totals.filtered += 1;
                *totals.filtered_by.of_mut(by) += 1;
            }
            Decision::Rejected { .. } => totals.rejected += 1,
        }
        self.count_type(record, *decision == Decision::Accepted);
        // Violations of events that a type or rule filters out don't matter to Customer.io. A shut
        // gate says nothing about the single event.
        let filtered_out = matches!(decision, Decision::Filtered { by } if *by != BlockedBy::Shut);
        if filtered_out {
            return;
        }
        self.totals.violations += record.story.violations.len() as u64;
        for violation in &record.story.violations {
            self.count_violation(violation, record);
        }
    }

    fn count_type(&mut self, record: &Record, accepted: bool) {
        let crate::protocol::Content::Event { event_type, .. } = &record.content else {
            return;
        };
        let full = self.types.len() >= TYPES && !self.types.contains_key(event_type);
        let name = if full {
            OTHERS.into()
        } else {
            event_type.clone()
        };
        let of_type = self.types.entry(name).or_default();
        of_type.count += 1;
        of_type.accepted += u64::from(accepted);
        let second = record.received_ms.div_euclid(1_000);
        match of_type.seconds.back_mut() {
            Some((last, count)) if *last >= second => *count += 1,
            _ => of_type.seconds.push_back((second, 1)),
        }
        while of_type.seconds.len() > TYPE_RATE_SECONDS as usize + 1 {
            of_type.seconds.pop_front();
        }
    }

    fn count_violation(&mut self, violation: &Violation, record: &Record) {
        let new = || LimitCount {
            row: LimitRow {
                code: violation.code,
                policy: violation.policy,
                count: 0,
                recent: 0,
                trend: Vec::new(),
                types: Vec::new(),
                worst_type: Arc::from(record.event_type()),
                worst: violation.clone(),
                last_ms: record.received_ms,
                last_sequence: record.sequence,
            },
            trend: Trend::new(record.received_ms),
            types: FxHashMap::default(),
        };
        let of_limit = self.limits.entry(violation.code).or_insert_with(new);
        of_limit.trend.add(record.received_ms);
        of_limit.add_type(record);
        let row = &mut of_limit.row;
        row.count += 1;
        row.policy = violation.policy;
        row.last_ms = record.received_ms;
        row.last_sequence = record.sequence;
        if violation.measured >= row.worst.measured {
            row.worst = violation.clone();
            row.worst_type = Arc::from(record.event_type());
        }
    }

    /// The event types, the most frequent first.
    pub fn types(&self, now_ms: UnixMs) -> Vec<TypeRow> {
        let now = now_ms.div_euclid(1_000);
        let row = |(name, of_type): (&Arc<str>, &TypeCount)| {
            let recent = of_type
                .seconds
                .iter()
                .filter(|(second, _)| (now - TYPE_RATE_SECONDS..now).contains(second));
            let count: u32 = recent.map(|(_, count)| count).sum();
            TypeRow {
                name: name.clone(),
                count: of_type.count,
                accepted: of_type.accepted,
                rate: f64::from(count) / TYPE_RATE_SECONDS as f64,
            }
        };
        let mut rows: Vec<TypeRow> = self.types.iter().map(row).collect();
        TypeRow::sort(&mut rows);
        rows
    }

    /// The limits with violations: those that reject first, then the most frequent.
    pub fn limits(&mut self, now_ms: UnixMs) -> Vec<LimitRow> {
        let mut rows: Vec<LimitRow> = self
            .limits
            .values_mut()
            .map(|of_limit| {
                of_limit.trend.advance(now_ms);
                let mut row = LimitRow {
                    recent: of_limit.trend.sum(),
                    trend: of_limit.trend.steps.iter().copied().collect(),
                    types: of_limit.types(now_ms),
                    ..of_limit.row.clone()
                };
                row.sort_types();
                row
            })
            .collect();
        LimitRow::sort(&mut rows);
        rows
    }
}

impl LimitCount {
    fn add_type(&mut self, record: &Record) {
        let crate::protocol::Content::Event { event_type, .. } = &record.content else {
            return;
        };
        let is_known = self.types.contains_key(event_type);
        let name = if is_known || self.types.len() < TYPES_OF_LIMIT {
            event_type.clone()
        } else {
            OTHERS.into()
        };
        let now_ms = record.received_ms;
        let new = || Trend::new(now_ms);
        self.types.entry(name).or_insert_with(new).add(now_ms);
    }

    /// The counts by type. Types without a recent violation are forgotten.
    fn types(&mut self, now_ms: UnixMs) -> Vec<(Arc<str>, u64)> {
        self.types.retain(|_, trend| {
            trend.advance(now_ms);
            trend.sum() > 0
        });
        let counts = self.types.iter();
        counts.map(|(name, t)| (name.clone(), t.sum())).collect()
    }
}

impl Trend {
    fn new(now_ms: UnixMs) -> Self {
        Self {
            newest: now_ms.div_euclid(TREND_STEP_MS),
            steps: VecDeque::from([0]),
        }
    }

    fn add(&mut self, now_ms: UnixMs) {
        self.advance(now_ms);
        if let Some(step) = self.steps.back_mut() {
            *step += 1;
        }
    }

    fn sum(&self) -> u64 {
        self.steps.iter().sum()
    }

    fn advance(&mut self, now_ms: UnixMs) {
        let number = now_ms.div_euclid(TREND_STEP_MS);
        let passed = (number - self.newest).clamp(0, TREND_STEPS as i64);
        for _ in 0..passed {
            self.steps.push_back(0);
        }
        while self.steps.len() > TREND_STEPS {
            self.steps.pop_front();
        }
        self.newest = self.newest.max(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customerio::Mapping;
    use crate::limits::{Policies, check_alone};
    use crate::protocol::tests_support::record;

    /// An event whose ID is too long.
    fn violating(event_type: &str, at_ms: UnixMs) -> Record {
        let id = "x".repeat(200);
        let text = format!(r#"{{"event_type":"{event_type}","user_id":"{id}","time":1}}"#);
        let mut record = record(1, &text, Decision::Accepted, Outcome::OnItsWay);
        let event = record.event().unwrap();
        let (mapping, policies) = (Mapping::default(), Policies::default());
        record.story.violations = check_alone(event, &mapping, &policies, 1, false);
        record.received_ms = at_ms;
        record
    }

    #[test]
    fn violations_of_the_last_ten_minutes_are_counted_by_type_in_bounded_memory() {
        let mut counters = Counters::default();
        for (event_type, at_ms) in [("A", 0), ("B", 1_000), ("B", 300_000)] {
            counters.count(&violating(event_type, at_ms));
        }
        let types = |counters: &mut Counters, now| {
            let rows = counters.limits(now);
            let is_it = |row: &&LimitRow| row.code == Code::IdTooLong;
            rows.iter().find(is_it).unwrap().types.clone()
        };
        let both = [("B".into(), 2), ("A".into(), 1)];
        assert_eq!(types(&mut counters, 300_000), both);
        assert_eq!(types(&mut counters, 700_000), [("B".into(), 1)]);
        for n in 0..100 {
            counters.count(&violating(&format!("T {n}"), 700_000));
        }
        let all = types(&mut counters, 700_000);
        assert_eq!(all.len(), TYPES_OF_LIMIT + 1);
        assert_eq!(all.iter().map(|(_, count)| count).sum::<u64>(), 101);
        assert_eq!(all[0].0.as_ref(), OTHERS);
    }
}
