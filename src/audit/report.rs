//! The report of an audit.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::amplitude::time::UnixMs;
use crate::ledger::{LastAudit, Outage};

/// What an audit can't find, for the end of a report.
pub(super) const NOT_COMPARED: &str = "Events are compared by their ids. Their content is not compared: the ledger keeps no hash of it.";

/// Counts of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events in Amplitude's export, each once.
    pub in_export: u64,
    /// Those of them that were received.
    pub received: u64,
    /// Those that were never received.
    pub missing: u64,
    /// Received, and filtered out.
    pub filtered: u64,
    /// Received, and rejected by a limit.
    pub rejected: u64,
    /// Received and accepted.
    pub accepted: u64,
    /// Accepted in dry run: nothing was sent.
    pub dry_run: u64,
    /// Accepted and delivered.
    pub delivered: u64,
    /// Accepted, and in the spool.
    pub waiting: u64,
    /// Accepted, and a dead letter.
    pub dead_letters: u64,
    /// Received in these hours, and not in the export.
    pub extra: u64,
    /// Extra, and the export has an event of the same person, type and second: one event with two ids.
    pub doubled: u64,
    /// Events that the export has more than once.
    pub repeated_in_export: u64,
}

impl Counts {
    /// Adds other counts.
    pub(super) fn add(&mut self, other: &Self) {
        let Self {
            in_export,
            received,
            missing,
            filtered,
            rejected,
            accepted,
            dry_run,
            delivered,
            waiting,
            dead_letters,
            extra,
            doubled,
            repeated_in_export,
        } = self;
        for (sum, more) in [
            (in_export, other.in_export),
            (received, other.received),
            (missing, other.missing),
            (filtered, other.filtered),
            (rejected, other.rejected),
            (accepted, other.accepted),
            (dry_run, other.dry_run),
            (delivered, other.delivered),
            (waiting, other.waiting),
            (dead_letters, other.dead_letters),
            (extra, other.extra),
            (doubled, other.doubled),
            (repeated_in_export, other.repeated_in_export),
        ] {
            *sum += more;
        }
    }

    /// Events that were accepted to be sent and have not arrived.
    pub fn undelivered(&self) -> u64 {
        self.waiting + self.dead_letters
    }
}

/// Percentiles of times, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Half are faster.
    pub p50: u64,
    /// 95 % are faster.
    pub p95: u64,
    /// 99 % are faster.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
}

/// The kind of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// Events were never received.
    Missing,
    /// Events wait in the spool.
    Waiting,
    /// Events are dead letters.
    DeadLetters,
    /// Events are not in the export.
    Extra,
}

impl GapKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Waiting => "waiting",
            Self::DeadLetters => "dead letters",
            Self::Extra => "extra",
        }
    }
}

/// Events that did not arrive, with one likely cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The kind.
    pub kind: GapKind,
    /// Number of events.
    pub events: u64,
    /// The first hour, as `2026-11-25T09`.
    pub from: String,
    /// The last hour.
    pub to: String,
    /// The likely cause, as a sentence.
    pub cause: String,
    /// Dedupe ids of some of them, or their hashes where they are in the ledger only.
    pub examples: Vec<String>,
}

/// The report of an audit.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The first hour, as `2026-11-25T09`.
    pub from: String,
    /// The last hour.
    pub to: String,
    /// Counts of all events.
    #[serde(flatten)]
    pub total: Counts,
    /// Counts by hour.
    pub hours: BTreeMap<String, Counts>,
    /// Counts by event type.
    pub types: BTreeMap<String, Counts>,
    /// Filtered out, by what.
    pub filtered_by: BTreeMap<String, u64>,
    /// Rejected, by which limit.
    pub rejected_by: BTreeMap<String, u64>,
    /// Dead letters, by kind.
    pub dead_letters_by: BTreeMap<String, u64>,
    /// What today's filters would decide differently: `from → to`.
    pub decided_differently_today: BTreeMap<String, u64>,
    /// Time from the event to its receipt.
    pub event_to_received_ms: Percentiles,
    /// Time from receipt to delivery.
    pub received_to_delivered_ms: Percentiles,
    /// The ten worst gaps.
    pub gaps: Vec<Gap>,
    /// The outages that the ledger noted.
    pub outages: Vec<Outage>,
}

impl Report {
    /// The result for the forwarder, of an audit that ended at this time.
    pub fn last_audit(&self, at_ms: UnixMs, max_missing_percent: f64) -> LastAudit {
        LastAudit {
            at_ms,
            from: self.from.clone(),
            to: self.to.clone(),
            in_export: self.total.in_export,
            missing: self.total.missing,
            undelivered: self.total.undelivered(),
            is_alarming: self.is_alarming(max_missing_percent),
        }
    }

    /// Whether something is undelivered, or more than this percentage of the export is missing.
    pub fn is_alarming(&self, max_missing_percent: f64) -> bool {
        let total = &self.total;
        let percent = 100.0 * total.missing as f64 / total.in_export.max(1) as f64;
        total.undelivered() > 0 || percent > max_missing_percent
    }
}
