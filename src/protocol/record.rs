//! A record of each event, and its story: decision, attempts, outcome.

use std::sync::Arc;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Malformed};
use crate::delivery::{Attempt, Undelivered};
use crate::filter::Decision;
use crate::limits::Violation;

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
