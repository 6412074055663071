//! The rows of the pipeline view: each stage with its count, share and rate.

use crate::delivery::DeliveryStatus;
use crate::limits::Policy;
use crate::protocol::Snapshot;
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::events::outcome::Severity;
use crate::tui::stages::stage::Stage;

/// A stage with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StageRow {
    pub(crate) stage: Stage,
    /// Its name. The name of a rule is text from outside.
    pub(crate) name: String,
    /// Number of stages that contain it.
    pub(crate) depth: usize,
    pub(crate) count: Count,
    /// Its part of a whole.
    pub(crate) share: Option<Share>,
    /// Events a second, over the last few seconds.
    pub(crate) rate: Option<f64>,
    pub(crate) severity: Severity,
}

/// The count of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Events since the start.
    SinceStart(u64),
    /// Items now.
    Now(u64),
    /// Requests now.
    RequestsNow(u64),
}

/// A part of a whole, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    pub(crate) part: f64,
    pub(crate) of: &'static str,
}

/// The share of `part` in `whole`, if there is a whole.
pub(crate) fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| (part / whole).clamp(0.0, 1.0))
}

/// The severity of queued items: they need attention while nothing is sent.
pub(crate) fn queue_severity(delivery: &DeliveryStatus) -> Severity {
    match QueueReason::of(delivery) {
        Some(_) => Severity::Warn,
        None => Severity::Plain,
    }
}

/// Whether a count above zero needs attention.
fn if_any(count: u64, severity: Severity) -> Severity {
    if count > 0 { severity } else { Severity::Plain }
}

impl StageRow {
    fn new(stage: Stage, name: impl Into<String>, depth: usize, count: Count) -> Self {
        Self {
            stage,
            name: name.into(),
            depth,
            count,
            share: None,
            rate: None,
            severity: Severity::Plain,
        }
    }

    fn since_start(stage: Stage, name: &str, depth: usize, count: u64) -> Self {
        Self::new(stage, name, depth, Count::SinceStart(count))
    }

    fn part_of(self, part: u64, (whole, of): (u64, &'static str)) -> Self {
        let part = share(part as f64, whole as f64);
        Self {
            share: part.map(|part| Share { part, of }),
            ..self
        }
    }

    fn at(self, rate: f64) -> Self {
        Self {
            rate: Some(rate),
            ..self
        }
    }

    fn with(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

/// The stages in the order of an event's path.
pub(crate) fn rows(snapshot: &Snapshot) -> Vec<StageRow> {
    let mut rows = decided(snapshot);
    rows.extend(accepted(snapshot));
    rows
}

/// The stages up to the decision. Shares are of all received events.
fn decided(snapshot: &Snapshot) -> Vec<StageRow> {
    let (totals, rates) = (&snapshot.totals, &snapshot.rates);
    let received = StageRow::since_start(Stage::Received, "received", 0, totals.received);
    let mut rows = vec![received.at(rates.received)];
    rows.extend(filtered_out(snapshot));
    rows.extend(rejected(snapshot));
    let accepted = StageRow::since_start(Stage::Accepted, "accepted", 1, totals.accepted);
    let received = (totals.received, "received");
    rows.push(
        accepted
            .part_of(totals.accepted, received)
            .at(rates.accepted),
    );
    rows
}

/// The stages of the events that were filtered out.
fn filtered_out(snapshot: &Snapshot) -> Vec<StageRow> {
    let (totals, rates) = (&snapshot.totals, &snapshot.rates);
    let received = (totals.received, "received");
    let by = &totals.filtered_by;
    let row = |stage, name, depth, count: u64, rate: f64| {
        StageRow::since_start(stage, name, depth, count)
            .part_of(count, received)
            .at(rate)
    };
    let filtered =
        |stage, name, count, rate| row(stage, name, 2, count, rate).with(Severity::Quiet);
    let mut rows = vec![
        row(
            Stage::FilteredOut,
            "filtered out",
            1,
            totals.filtered,
            rates.filtered(),
        )
        .with(Severity::Quiet),
        filtered(
            Stage::ByType,
            "by type",
            by.event_type,
            rates.filtered_by.event_type,
        ),
        filtered(Stage::ByRules, "by rules", by.rule, rates.filtered_by.rule),
    ];
    let tallies = snapshot.filters.rules.iter().zip(&snapshot.rules);
    for (rule, tally) in tallies.filter(|(_, tally)| tally.filtered_out > 0) {
        let stage = Stage::ByRule(rule.name.as_str().into());
        let row = StageRow::since_start(stage, &format!("“{}”", rule.name), 3, tally.filtered_out);
        rows.push(
            row.part_of(tally.filtered_out, received)
                .with(Severity::Quiet),
        );
    }
    rows.push(filtered(
        Stage::ByGate,
        "by the shut gate",
        by.gate,
        rates.filtered_by.gate,
    ));
    if by.property_update > 0 {
        let rate = rates.filtered_by.property_update;
        rows.push(filtered(
            Stage::PropertyUpdates,
            "property updates",
            by.property_update,
            rate,
        ));
    }
    rows
}

/// The stages of the events that were rejected, and of what was no event.
fn rejected(snapshot: &Snapshot) -> Vec<StageRow> {
    let (totals, rates) = (&snapshot.totals, &snapshot.rates);
    let received = (totals.received, "received");
    let rejected = StageRow::since_start(Stage::Rejected, "rejected", 1, totals.rejected)
        .part_of(totals.rejected, received)
        .at(rates.rejected);
    let mut rows = vec![rejected.with(if_any(totals.rejected, Severity::Bad))];
    let rejecting = snapshot
        .limits
        .iter()
        .filter(|l| l.policy == Policy::Reject);
    for limit in rejecting {
        let stage = Stage::RejectedBy(limit.code);
        // An event may violate several limits, so this is no share of the events.
        let name = format!("{}: violations", limit.code);
        let row = StageRow::since_start(stage, &name, 2, limit.count);
        rows.push(row.with(Severity::Bad));
    }
    if totals.malformed > 0 {
        let row = StageRow::since_start(Stage::Malformed, "malformed", 1, totals.malformed);
        rows.push(row.with(Severity::Bad));
    }
    rows
}

/// The stages of accepted events. Items of earlier runs are among them.
fn accepted(snapshot: &Snapshot) -> Vec<StageRow> {
    let (totals, delivery) = (&snapshot.totals, &snapshot.delivery);
    let spool = &delivery.spool;
    let accepted = match spool.carried {
        0 => (totals.accepted, "accepted"),
        carried => (totals.accepted + carried, "accepted, carried over"),
    };
    let mut rows = Vec::new();
    if totals.dry_run > 0 {
        let row = StageRow::since_start(Stage::DryRun, "dry run: not sent", 2, totals.dry_run);
        rows.push(row.part_of(totals.dry_run, accepted));
    }
    let queued = spool.items.saturating_sub(delivery.retrying);
    let now = |stage, name, count| StageRow::new(stage, name, 2, count);
    let lost = totals.not_delivered();
    let delivered = StageRow::since_start(Stage::Delivered, "delivered", 2, totals.delivered);
    rows.extend([
        now(Stage::Queued, "queued or in flight", Count::Now(queued))
            .with(if_any(queued, queue_severity(delivery))),
        now(
            Stage::InFlight,
            "in flight",
            Count::RequestsNow(delivery.in_flight.into()),
        ),
        delivered
            .part_of(totals.delivered, accepted)
            .at(snapshot.rates.delivered)
            .with(if_any(totals.delivered, Severity::Good)),
        now(Stage::Retrying, "retrying", Count::Now(delivery.retrying))
            .with(if_any(delivery.retrying, Severity::Warn)),
        now(
            Stage::DeadLetters,
            "dead letters",
            Count::Now(spool.dead_letters),
        )
        .part_of(lost, accepted)
        .with(if_any(spool.dead_letters, Severity::Bad)),
    ]);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{FilteredBy, Totals};

    #[test]
    fn shares_are_of_what_came_to_the_stage() {
        let snapshot = Snapshot {
            totals: Totals {
                received: 1_000,
                filtered: 700,
                filtered_by: FilteredBy {
                    event_type: 600,
                    gate: 100,
                    ..FilteredBy::default()
                },
                rejected: 50,
                accepted: 250,
                delivered: 200,
                discarded: 5,
                ..Totals::default()
            },
            ..Snapshot::default()
        };
        let rows = rows(&snapshot);
        let shown = |stage: &Stage| {
            let row = rows.iter().find(|row| row.stage == *stage).unwrap();
            row.share
                .map(|share| format!("{:.0} % of {}", share.part * 100.0, share.of))
        };
        for (stage, expected) in [
            (Stage::Received, None),
            (Stage::FilteredOut, Some("70 % of received")),
            (Stage::ByType, Some("60 % of received")),
            (Stage::ByGate, Some("10 % of received")),
            (Stage::Rejected, Some("5 % of received")),
            (Stage::Accepted, Some("25 % of received")),
            (Stage::Delivered, Some("80 % of accepted")),
            (Stage::DeadLetters, Some("2 % of accepted")),
            (Stage::Queued, None),
        ] {
            assert_eq!(shown(&stage).as_deref(), expected, "{stage:?}");
        }
        let before = super::rows(&Snapshot::default());
        assert!(
            before.iter().all(|row| row.share.is_none()),
            "no share of nothing"
        );
    }
}
