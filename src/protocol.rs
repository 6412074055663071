//! What a pipeline and a screen say to each other, whether they share a process or not.
//!
//! A screen sees [`Snapshot`]s and [`Record`]s, and acts only by [`Command`]s.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Malformed};
use crate::delivery::spool::dead_letters::{LetterRow, Which};
use crate::delivery::{Attempt, Standing, Undelivered};
use crate::feed::FeedStatus;
use crate::filter::gate::RuleTally;
use crate::filter::{Decision, Filters, Mode};
use crate::limits::{Code, Policy, Violation};
use crate::telemetry::series::Series;

/// What a screen can ask of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Open the gate, shut it, or go into dry run.
    SetGate(Mode),
    /// Put these filters in force, whole.
    SetFilters(Filters),
    /// Try again now, where delivery waits for someone or for its next probe.
    Resume,
    /// Put these dead letters back into the spool.
    RetryLetters(Which),
    /// Remove these dead letters for good.
    DiscardLetters(Which),
}

/// One thing that a frame carried, and its story so far.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its number in this run, from 1.
    pub sequence: u64,
    /// When it was received.
    pub received_ms: UnixMs,
    /// What it is.
    pub content: Content,
    /// Its story at the gate and after.
    pub story: Story,
}

/// An event, or what should have been one.
#[derive(Debug, Clone)]
pub enum Content {
    /// An event.
    Event {
        /// The event.
        event: Event,
        /// Its type, shared by all events of that type.
        event_type: Arc<str>,
    },
    /// A frame, or a part of one, that could not be read.
    Malformed {
        /// What is wrong and where.
        malformed: Malformed,
        /// The text, as far as it is kept.
        text: ByteString,
    },
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// What the gate or a limit decided; none for what is malformed.
    pub decision: Option<Decision>,
    /// The limits it breaks.
    pub violations: Vec<Violation>,
    /// Every try to deliver it.
    pub attempts: Vec<Arc<Attempt>>,
    /// Where it is now.
    pub outcome: Outcome,
}

impl Story {
    /// Whether the operator holds the event back.
    pub fn is_held_back(&self) -> bool {
        matches!(self.decision, Some(Decision::Filtered { .. }))
    }
}

impl Story {
    /// What it holds beside itself, in bytes. An attempt is shared by all events of its request.
    fn bytes(&self) -> usize {
        let violation = |v: &Violation| v.says.len() + v.path.len() + size_of::<Violation>();
        let attempt = |a: &Arc<Attempt>| a.share_bytes() + size_of::<Arc<Attempt>>();
        let outcome = match &self.outcome {
            Outcome::Undelivered { reason, field, .. } => reason.len() + field.len(),
            _ => 0,
        };
        self.violations.iter().map(violation).sum::<usize>()
            + self.attempts.iter().map(attempt).sum::<usize>()
            + outcome
    }
}

/// Where an event is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was not accepted, and stays here.
    NotSent,
    /// It was accepted, and the gate is in dry run.
    DryRun,
    /// It waits for its batch, or for the answer.
    OnItsWay,
    /// An attempt failed; the next is at this time.
    Waiting {
        /// When.
        next_ms: UnixMs,
    },
    /// It is there.
    Delivered {
        /// From its receipt to the answer, in milliseconds.
        took_ms: u32,
    },
    /// It can't be delivered, and is kept.
    Undelivered {
        /// Why.
        why: Undelivered,
        /// What Customer.io says.
        reason: String,
        /// The field at fault.
        field: String,
    },
}

impl Record {
    /// The event's type; what is malformed has none.
    pub fn event_type(&self) -> &str {
        match &self.content {
            Content::Event { event_type, .. } => event_type,
            Content::Malformed { .. } => "",
        }
    }

    /// The text as received.
    pub fn text(&self) -> &str {
        match &self.content {
            Content::Event { event, .. } => event.text(),
            Content::Malformed { text, .. } => text,
        }
    }

    /// The event, where it is one.
    pub fn event(&self) -> Option<&Event> {
        match &self.content {
            Content::Event { event, .. } => Some(event),
            Content::Malformed { .. } => None,
        }
    }

    /// How many malformed parts of a frame it stands for; 0 for an event.
    pub fn malformed_parts(&self) -> u64 {
        match &self.content {
            Content::Event { .. } => 0,
            Content::Malformed { malformed, .. } => malformed.parts,
        }
    }

    /// What it takes in memory, about, in bytes.
    pub fn bytes(&self) -> usize {
        let content = match &self.content {
            Content::Event { .. } => 0,
            Content::Malformed { malformed, .. } => malformed.why.len() + malformed.near.len(),
        };
        size_of::<Self>() + self.text().len() + content + self.story.bytes()
    }
}

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
    pub standing: Standing,
    /// What can't be delivered and is kept, by reason and type.
    pub letters: Arc<Vec<LetterRow>>,
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

#[cfg(test)]
pub(crate) mod tests_support {
    use super::{Content, Decision, Outcome, Record, Story};
    use crate::amplitude::frame::tests_support::event_at;

    /// The event in `text` with this story, received as many seconds after 1970 as its number.
    pub(crate) fn record(
        sequence: u64,
        text: &str,
        decision: Decision,
        outcome: Outcome,
    ) -> Record {
        let received_ms = 1_000 * sequence.cast_signed();
        let event = event_at(text, received_ms);
        let event_type = event.event_type().unwrap_or_default().into();
        Record {
            sequence,
            received_ms,
            content: Content::Event { event, event_type },
            story: Story {
                decision: Some(decision),
                violations: Vec::new(),
                attempts: Vec::new(),
                outcome,
            },
        }
    }
}
