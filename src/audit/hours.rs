//! A closer look at each hour, for the screen.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use ulid::Ulid;

use super::causes::Cause;
use super::collect::{Exported, Names};
use super::report::{Counts, GapKind};
use crate::amplitude::time::UnixMs;
use crate::ledger::Outage;

/// Maximum examples of an hour.
const EXAMPLES: usize = 50;

/// The closer look at an hour.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HourDetail {
    /// The counts of all its events.
    pub counts: Counts,
    /// The counts of its event types, by name.
    pub types: BTreeMap<String, Counts>,
    /// Numbers of events that did not arrive, by their likely cause.
    pub causes: BTreeMap<String, u64>,
    /// Some of these events.
    pub examples: Vec<Example>,
}

/// An event that did not arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Its dedupe id.
    pub id: Ulid,
    /// When it happened.
    pub at_ms: UnixMs,
    /// Its type.
    pub event_type: String,
    /// Whether it is missing, waits, or is a dead letter.
    pub kind: GapKind,
    /// The likely cause, as a sentence.
    pub cause: String,
}

/// Collects the details of all hours.
#[derive(Debug, Default)]
pub(super) struct HourDetails {
    types: FxHashMap<(i64, u16), Counts>,
    causes: FxHashMap<(i64, GapKind, Cause), u64>,
    examples: FxHashMap<i64, Vec<(Exported, GapKind, Cause)>>,
}

impl HourDetails {
    pub(super) fn count(&mut self, hour: i64, event_type: u16, counts: &Counts) {
        let of_type = self.types.entry((hour, event_type)).or_default();
        of_type.add(counts);
    }

    pub(super) fn add(&mut self, hour: i64, kind: GapKind, cause: Cause, event: &Exported) {
        *self.causes.entry((hour, kind, cause)).or_default() += 1;
        let examples = self.examples.entry(hour).or_default();
        if examples.len() < EXAMPLES {
            examples.push((*event, kind, cause));
        }
    }

    /// The details by hour since 1970, with names.
    pub(super) fn finish(self, names: &Names, outages: &[Outage]) -> BTreeMap<i64, HourDetail> {
        let mut all: BTreeMap<i64, HourDetail> = BTreeMap::new();
        for ((hour, number), counts) in self.types {
            let name = names.event_type(number).to_owned();
            let detail = all.entry(hour).or_default();
            detail.counts.add(&counts);
            detail.types.insert(name, counts);
        }
        for ((hour, kind, cause), count) in self.causes {
            let text = format!("{}: {}", kind.name(), cause.sentence(outages));
            *all.entry(hour).or_default().causes.entry(text).or_default() += count;
        }
        for (hour, mut examples) in self.examples {
            examples.sort_by_key(|(event, ..)| (event.happened_ms, event.id));
            let example = |(event, kind, cause): (Exported, GapKind, Cause)| Example {
                id: event.id,
                at_ms: event.happened_ms,
                event_type: names.event_type(event.event_type).to_owned(),
                kind,
                cause: cause.sentence(outages),
            };
            all.entry(hour).or_default().examples = examples.into_iter().map(example).collect();
        }
        all
    }
}
