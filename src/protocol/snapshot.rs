//! The state of a pipeline at one moment, as screens and remotes see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::delivery::DeliveryStatus;
use crate::delivery::spool::dead_letters::DeadLetterRow;
use crate::feed::FeedStatus;
use crate::filter::{BlockedBy, Filters, Mode, RuleTally};
use crate::jetstream::GroupState;
use crate::ledger::LastAudit;
use crate::limits::{Code, Policy, Violation};

use super::author::ChangeRecord;
use super::buckets::DurationBuckets;
use super::series::{Line, Series};
use super::verification::VerificationStatus;

/// Time over which the rates of all events are measured, in seconds.
pub const RATE_SECONDS: usize = 3;
/// Time over which the share of rejected events is measured, in seconds.
const REJECTED_SECONDS: usize = 60;
/// Minimum number of events in this time for a meaningful share.
const REJECTED_LEAST_EVENTS: f64 = 20.0;
/// Time over which the rate of an event type is measured, in seconds.
pub const TYPE_RATE_SECONDS: i64 = 5;

/// The state of a pipeline at one moment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was taken.
    pub at_ms: UnixMs,
    /// When the run started.
    pub started_ms: UnixMs,
    /// Counts since then.
    pub totals: Totals,
    /// Events a second, over the last [`RATE_SECONDS`].
    pub rates: Rates,
    /// The history of these rates.
    pub series: Arc<Series>,
    /// The state of the feed.
    pub feed: FeedStatus,
    /// Time from the receipt of the last event until intake took it, in milliseconds.
    pub behind_ms: u64,
    /// Median age of events when they are received, in milliseconds, over the last minutes.
    pub feed_lag_ms: Option<i64>,
    /// The mode of the gate; none before the first snapshot.
    pub mode: Option<Mode>,
    /// The applied filters.
    pub filters: Arc<Filters>,
    /// The version of the applied filters, from 1: each change makes a new one.
    #[serde(default)]
    pub filters_version: u64,
    /// The last change that somebody made.
    #[serde(default)]
    pub last_change: Option<ChangeRecord>,
    /// The counts of each rule.
    pub rules: Vec<RuleTally>,
    /// The event types that were received.
    pub types: Arc<Vec<TypeRow>>,
    /// The limits with violations.
    pub limits: Arc<Vec<LimitRow>>,
    /// Time from receipt to answer.
    pub latency: LatencyRow,
    /// The same times by band of [`LATENCY_BANDS_MS`].
    #[serde(default)]
    pub latency_bands: LatencyBands,
    /// Time from receipt to answer, since the start.
    #[serde(default)]
    pub latency_buckets: DurationBuckets,
    /// Age of events when they are received, since the start; of the last event of each report.
    #[serde(default)]
    pub lag_buckets: DurationBuckets,
    /// Number of answers, by label.
    pub answers: BTreeMap<String, u64>,
    /// Requests in the last minute.
    pub requests_per_minute: u64,
    /// The state of delivery.
    #[serde(rename = "standing")]
    pub delivery: DeliveryStatus,
    /// Delivered events that were looked up at Customer.io.
    #[serde(default)]
    pub verification: VerificationStatus,
    /// The result of the last audit; none before there was one.
    #[serde(default)]
    pub last_audit: Option<Arc<LastAudit>>,
    /// Dead letters by reason and type.
    #[serde(rename = "letters")]
    pub dead_letters: Arc<Vec<DeadLetterRow>>,
    /// The group that the forwarder belongs to, if it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Arc<GroupState>>,
    /// The size of the ring of recent events.
    pub ring: RingRow,
    /// Notices for the operator, the newest last.
    pub notices: Vec<Notice>,
    /// The connection to the forwarder, for a screen in another process.
    #[serde(skip)]
    pub link: Option<LinkStatus>,
}

impl Snapshot {
    /// The share of the events past the filters that limits rejected in the last minute, in percent.
    /// None if too few events passed the filters.
    pub fn rejected_percent(&self) -> Option<f64> {
        let rate = |line| self.series.rate(line, REJECTED_SECONDS);
        let (accepted, rejected) = (rate(Line::Accepted), rate(Line::Rejected));
        let passed = accepted + rejected;
        (passed * REJECTED_SECONDS as f64 >= REJECTED_LEAST_EVENTS)
            .then(|| rejected * 100.0 / passed)
    }

    /// The limit that rejected the most events in the last minute.
    pub fn worst_limit(&self) -> Option<Code> {
        /// Points of a limit's trend in a minute.
        const POINTS: usize = 6;
        let rejecting = self.limits.iter();
        let rejecting = rejecting.filter(|row| row.policy == Policy::Reject);
        let worst = rejecting.max_by_key(|row| row.trend.iter().rev().take(POINTS).sum::<u64>());
        worst.map(|row| row.code)
    }
}

/// The connection of a screen to a forwarder in another process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkStatus {
    /// Why it is lost, and when it is tried again.
    pub lost: Option<(String, UnixMs)>,
    /// Number of events that this screen was not sent.
    pub missed: u64,
    /// Whether it is sent summaries of events only.
    pub summaries: bool,
    /// Whether the forwarder masks people for whoever is at this screen.
    pub people_masked: bool,
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Events received.
    pub received: u64,
    /// Bytes of these events.
    pub received_bytes: u64,
    /// Frames, or parts of them, that could not be decoded.
    pub malformed: u64,
    /// Events that the filters and limits accepted.
    pub accepted: u64,
    /// Those of them that were decided in dry run, and not sent.
    pub dry_run: u64,
    /// Events that were filtered out, by type, rule or mode.
    pub filtered: u64,
    /// The same by reason.
    #[serde(default)]
    pub filtered_by: FilteredBy<u64>,
    /// Events that a limit rejected.
    pub rejected: u64,
    /// Events that Customer.io accepted.
    pub delivered: u64,
    /// Those that it accepted at the first attempt.
    pub success_on_first_attempt: u64,
    /// Those that it accepted at a later attempt.
    pub success_after_retry: u64,
    /// Events whose attempts are used up.
    pub expired: u64,
    /// Events that Customer.io refused.
    pub discarded: u64,
    /// Violations of limits.
    pub violations: u64,
    /// Requests that ended, with an answer or without.
    pub requests: u64,
}

impl Totals {
    /// Events that can't be delivered.
    pub fn not_delivered(&self) -> u64 {
        self.expired + self.discarded
    }

    /// Delivered events among the settled ones, in percent.
    pub fn delivery_rate(&self) -> Option<f64> {
        let settled = self.delivered + self.not_delivered();
        (settled > 0).then(|| self.delivered as f64 * 100.0 / settled as f64)
    }
}

/// Events a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Received.
    pub received: f64,
    /// Accepted.
    pub accepted: f64,
    /// Delivered.
    pub delivered: f64,
    /// Rejected.
    pub rejected: f64,
    /// Filtered out, by reason.
    #[serde(default)]
    pub filtered_by: FilteredBy<f64>,
}

impl Rates {
    /// Filtered out, for any reason.
    pub fn filtered(&self) -> f64 {
        let by = &self.filtered_by;
        by.event_type + by.rule + by.gate + by.property_update
    }
}

/// Filtered events by reason: counts, or events a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilteredBy<N> {
    /// By its type, listed or new.
    pub event_type: N,
    /// By a rule.
    pub rule: N,
    /// By the shut gate.
    pub gate: N,
    /// Updates of properties of which nothing is sent.
    pub property_update: N,
}

impl<N> FilteredBy<N> {
    /// The number for a reason.
    pub fn of_mut(&mut self, by: &BlockedBy) -> &mut N {
        match by {
            BlockedBy::Type | BlockedBy::UnseenType => &mut self.event_type,
            BlockedBy::Rule { .. } => &mut self.rule,
            BlockedBy::Shut => &mut self.gate,
            BlockedBy::PropertyUpdate => &mut self.property_update,
        }
    }
}

/// An event type, with its counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TypeRow {
    /// Its name.
    pub name: Arc<str>,
    /// Number of its events.
    pub count: u64,
    /// Number of them that were accepted.
    pub accepted: u64,
    /// Its events a second, over the last [`TYPE_RATE_SECONDS`].
    pub rate: f64,
}

/// A limit with violations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimitRow {
    /// The limit.
    pub code: Code,
    /// The effect of a violation.
    pub policy: Policy,
    /// Violations since the start.
    pub count: u64,
    /// Violations in the last ten minutes.
    pub recent: u64,
    /// Violations in the last ten minutes, by steps of 10 seconds.
    pub trend: Vec<u64>,
    /// Violations in the last ten minutes by event type, the most frequent first.
    #[serde(default)]
    pub types: Vec<(Arc<str>, u64)>,
    /// The event type of that violation.
    pub worst_type: Arc<str>,
    /// The violation with the largest measurement.
    pub worst: Violation,
    /// When the last violation was received.
    pub last_ms: UnixMs,
    /// The sequence number of its event.
    pub last_sequence: u64,
}

/// Time from receipt to answer, in milliseconds, over the last minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyRow {
    /// Number of events that were measured.
    pub count: u64,
    /// The median.
    pub p50_ms: u64,
    /// The 95th percentile.
    pub p95_ms: u64,
    /// The 99th percentile.
    pub p99_ms: u64,
}

/// The upper bounds of the bands of latency, in milliseconds. A last band holds what took longer.
pub const LATENCY_BANDS_MS: [u64; 11] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000,
];

/// Number of events in each band of latency.
pub type LatencyBands = [u64; LATENCY_BANDS_MS.len() + 1];

/// The size of the ring of recent events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingRow {
    /// Number of events.
    pub events: u64,
    /// Memory that they take, in bytes.
    pub bytes: u64,
}

/// A notice for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When it was sent.
    pub at_ms: UnixMs,
    /// The text.
    pub text: String,
}
