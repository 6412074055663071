//! A record of each event, and its story: decision, attempts, outcome.

use std::sync::Arc;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Malformed};
use crate::delivery::{Attempt, Undelivered};
use crate::filter::Decision;
use crate::limits::Violation;

/// An event or malformed part of a frame, and its story so far.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its number in this run, from 1.
    pub sequence: u64,
    /// When it was received.
    pub received_ms: UnixMs,
    /// The event, or the malformed text.
    pub content: Content,
    /// Its decision, attempts and outcome.
    pub story: Story,
}

/// The content of a record.
#[derive(Debug, Clone)]
pub enum Content {
    /// An event.
    Event {
        /// The event.
        event: Event,
        /// Its type, shared by all events of that type.
        event_type: Arc<str>,
    },
    /// A frame, or a part of one, that could not be decoded.
    Malformed {
        /// The error and its position.
        malformed: Malformed,
        /// An excerpt of the text.
        text: ByteString,
    },
}

/// The story of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The decision of the filters or a limit; none for a malformed part.
    pub decision: Option<Decision>,
    /// Its violations of limits.
    pub violations: Vec<Violation>,
    /// The attempts to deliver it.
    pub attempts: Vec<Arc<Attempt>>,
    /// Its current outcome.
    pub outcome: Outcome,
}

impl Story {
    /// Whether the event was filtered out.
    pub fn is_filtered_out(&self) -> bool {
        matches!(self.decision, Some(Decision::Filtered { .. }))
    }

    /// Memory that it refers to, in bytes. An attempt is shared by all events of its request.
    fn bytes(&self) -> usize {
        let violation = |v: &Violation| v.sentence.len() + v.path.len() + size_of::<Violation>();
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

/// The current outcome of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was not accepted.
    NotSent,
    /// It was accepted, and the gate is in dry run.
    DryRun,
    /// It is queued or in flight.
    OnItsWay,
    /// Its partition was handed over to another member of the group, or lost, before it was sent. Whoever
    /// holds the partition next receives it, and sends it.
    HandedOver,
    /// An attempt failed, and it is tried again.
    Waiting {
        /// The earliest time of the next attempt.
        next_ms: UnixMs,
    },
    /// Customer.io accepted it.
    Delivered {
        /// Time from its receipt to the answer, in milliseconds.
        took_ms: u32,
    },
    /// It can't be delivered, and is a dead letter.
    Undelivered {
        /// The kind of failure.
        why: Undelivered,
        /// The reason, where possible in Customer.io's words.
        reason: String,
        /// The field at fault.
        field: String,
    },
}

impl Record {
    /// The event's type; empty for a malformed part.
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

    /// The event; none for a malformed part.
    pub fn event(&self) -> Option<&Event> {
        match &self.content {
            Content::Event { event, .. } => Some(event),
            Content::Malformed { .. } => None,
        }
    }

    /// Number of malformed parts of a frame that it stands for; 0 for an event.
    pub fn malformed_parts(&self) -> u64 {
        match &self.content {
            Content::Event { .. } => 0,
            Content::Malformed { malformed, .. } => malformed.parts,
        }
    }

    /// Approximate memory that it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let content = match &self.content {
            Content::Event { .. } => 0,
            Content::Malformed { malformed, .. } => malformed.why.len() + malformed.near.len(),
        };
        size_of::<Self>() + self.text().len() + content + self.story.bytes()
    }
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
