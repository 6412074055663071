//! The likely causes of gaps, and the gaps by cause.

use std::collections::BTreeMap;

use super::report::{Gap, GapKind};
use crate::amplitude::time::{self, UnixMs};
use crate::ledger::{Outage, OutageKind, Outcome};

/// Gaps that are reported.
const GAPS: usize = 10;
/// Examples of a gap.
const EXAMPLES: usize = 3;
/// Time around an outage in which events are put down to it: events take some seconds to arrive.
const MARGIN_MS: i64 = 60_000;

/// The likely cause of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Cause {
    /// The outage with this index.
    Outage(usize),
    /// The forwarder was there, and the event did not come.
    NotPassedOn,
    /// The event is in the spool for no known reason.
    InSpool,
    /// The event is a dead letter with this outcome.
    Dead(Outcome),
    /// The event is not in the export.
    NotInExport,
}

impl Cause {
    /// The cause for which an event of this time was never received.
    pub(super) fn of_missing(at_ms: UnixMs, outages: &[Outage]) -> Self {
        let order = [
            OutageKind::LedgerRemoved,
            OutageKind::LedgerLost,
            OutageKind::NotRunning,
            OutageKind::FeedDown,
        ];
        // An exact match of any kind is better than one in the margin.
        let found = [0, MARGIN_MS].into_iter().find_map(|margin| {
            order.into_iter().find_map(|kind| {
                let is_cause =
                    |outage: &Outage| outage.kind == kind && outage.covers(at_ms, margin);
                outages.iter().position(is_cause)
            })
        });
        found.map_or(Self::NotPassedOn, Self::Outage)
    }

    /// The cause for which an event waits.
    pub(super) fn of_waiting(outages: &[Outage]) -> Self {
        let halted =
            |outage: &Outage| outage.kind == OutageKind::DeliveryHalted && outage.to_ms.is_none();
        let found = outages.iter().rposition(halted);
        found.map_or(Self::InSpool, Self::Outage)
    }

    /// The cause, as a sentence.
    pub(super) fn sentence(self, outages: &[Outage]) -> String {
        let text = match self {
            Self::Outage(index) => return outages[index].sentence(),
            Self::Dead(outcome) => {
                return format!("{}: see `sluicegate dead-letters list`", outcome.name());
            }
            Self::NotPassedOn => {
                "the feed was up: Amplitude or the relay did not pass them on, or refused them \
                 (see the relay's log)"
            }
            Self::InSpool => {
                "in the spool: delivery has not come to them, the gate is not open, or no \
                 forwarder runs"
            }
            Self::NotInExport => {
                "not in the export: uploaded after these hours, dropped by Amplitude, or of \
                 another project"
            }
        };
        text.to_owned()
    }
}

/// Gaps, by their kind and cause.
#[derive(Default)]
pub(super) struct Gaps(BTreeMap<(GapKind, Cause), Span>);

/// The events of a gap.
struct Span {
    events: u64,
    from_ms: UnixMs,
    to_ms: UnixMs,
    examples: Vec<String>,
}

impl Gaps {
    /// Adds an event of this time.
    pub(super) fn add(
        &mut self,
        kind: GapKind,
        cause: Cause,
        at_ms: UnixMs,
        example: impl FnOnce() -> String,
    ) {
        let gap = self.0.entry((kind, cause)).or_insert_with(|| Span {
            events: 0,
            from_ms: at_ms,
            to_ms: at_ms,
            examples: Vec::new(),
        });
        gap.events += 1;
        gap.from_ms = at_ms.min(gap.from_ms);
        gap.to_ms = at_ms.max(gap.to_ms);
        if gap.examples.len() < EXAMPLES {
            gap.examples.push(example());
        }
    }

    /// The worst ones first.
    pub(super) fn worst(self, outages: &[Outage]) -> Vec<Gap> {
        let gap = |((kind, cause), span): ((GapKind, Cause), Span)| Gap {
            kind,
            events: span.events,
            from: hour_name(span.from_ms),
            to: hour_name(span.to_ms),
            cause: cause.sentence(outages),
            examples: span.examples,
        };
        let mut all: Vec<Gap> = self.0.into_iter().map(gap).collect();
        // What is extra is no loss.
        all.sort_by_key(|gap| (gap.kind == GapKind::Extra, u64::MAX - gap.events));
        all.truncate(GAPS);
        all
    }
}

/// The name of the hour of a time: `2026-11-25T09`.
pub(super) fn hour_name(ms: UnixMs) -> String {
    let digits = time::to_digits(ms, 10);
    format!(
        "{}-{}-{}T{}",
        &digits[..4],
        &digits[4..6],
        &digits[6..8],
        &digits[8..]
    )
}
