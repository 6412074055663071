//! The state of a pipeline at one moment, as screens and remotes see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::delivery::DeliveryStatus;
use crate::delivery::spool::dead_letters::DeadLetterRow;
use crate::feed::FeedStatus;
use crate::filter::gate::RuleTally;
use crate::filter::{Filters, Mode};
use crate::limits::{Code, Policy, Violation};

use super::series::Series;

/// How everything stands at one moment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was taken.
    pub at_ms: UnixMs,
    /// When the run began.
    pub started_ms: UnixMs,
    /// What was counted since then.
    pub totals: Totals,
    /// The same a second, over the last few seconds.
    pub rates: Rates,
    /// The course of these rates.
    pub series: Arc<Series>,
    /// How the feed stands.
    pub feed: FeedStatus,
    /// How long the last event waited here before it was taken in, in milliseconds.
    pub behind_ms: u64,
    /// How old events are when they are received, in milliseconds: the median of the last minutes.
    pub feed_lag_ms: Option<i64>,
    /// Whether the gate is open; none before the first moment.
    pub mode: Option<Mode>,
    /// The filters in force.
    pub filters: Arc<Filters>,
    /// What each rule has seen.
    pub rules: Vec<RuleTally>,
    /// The event types that came by.
    pub types: Arc<Vec<TypeRow>>,
    /// The limits that were broken.
    pub limits: Arc<Vec<LimitRow>>,
    /// From receipt to answer.
    pub latency: LatencyRow,
    /// Answers by their label.
    pub answers: BTreeMap<String, u64>,
    /// Requests in the last minute.
    pub requests_per_minute: u64,
    /// How delivery stands.
    #[serde(rename = "standing")]
    pub delivery: DeliveryStatus,
    /// What can't be delivered and is kept, by reason and type.
    pub letters: Arc<Vec<DeadLetterRow>>,
    /// What the ring holds.
    pub ring: RingRow,
    /// What the operator should know, newest last.
    pub notices: Vec<Notice>,
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Events received.
    pub received: u64,
    /// Bytes of them.
    pub received_bytes: u64,
    /// Frames, or parts of them, that could not be read.
    pub malformed: u64,
    /// Events that the gate let through.
    pub accepted: u64,
    /// Those of them that were only decided, in dry run.
    pub dry_run: u64,
    /// Events that the gate held back.
    pub filtered: u64,
    /// Events that a limit refused.
    pub rejected: u64,
    /// Events that Customer.io took.
    pub delivered: u64,
    /// Those that it took at the first attempt.
    pub success_on_first_attempt: u64,
    /// Those that it took later.
    pub success_after_retry: u64,
    /// Events whose attempts are used up.
    pub expired: u64,
    /// Events that Customer.io refused.
    pub discarded: u64,
    /// Violations of limits.
    pub violations: u64,
    /// Requests answered.
    pub requests: u64,
}

impl Totals {
    /// Events that can't be delivered.
    pub fn not_delivered(&self) -> u64 {
        self.expired + self.discarded
    }

    /// The share of delivered events among those that are settled, in percent.
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
}

/// One event type that came by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TypeRow {
    /// Its name.
    pub name: Arc<str>,
    /// Its events.
    pub count: u64,
    /// Those that were accepted.
    pub accepted: u64,
    /// Its events a second, over the last few seconds.
    pub rate: f64,
}

/// One limit that was broken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimitRow {
    /// Which.
    pub code: Code,
    /// What it did.
    pub policy: Policy,
    /// How often, since the start.
    pub count: u64,
    /// How often, in the last ten minutes.
    pub recent: u64,
    /// The course of the last ten minutes, 10 seconds a step.
    pub trend: Vec<u64>,
    /// The event type of the worst case.
    pub worst_type: Arc<str>,
    /// The worst case.
    pub worst: Violation,
    /// When it was broken last.
    pub last_ms: UnixMs,
    /// The sequence number of the last event that broke it.
    pub last_sequence: u64,
}

/// From receipt to answer, in milliseconds, over the last minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyRow {
    /// How many events it is taken from.
    pub count: u64,
    /// The median.
    pub p50_ms: u64,
    /// The 95th percentile.
    pub p95_ms: u64,
    /// The 99th percentile.
    pub p99_ms: u64,
}

/// What the ring of recent events holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingRow {
    /// Events in it.
    pub events: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Something that the operator should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    pub at_ms: UnixMs,
    /// What.
    pub text: String,
}
