//! The rows of the ledger, and their form in a journal.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::key::Key;
use super::took;
use crate::amplitude::time::UnixMs;
use crate::delivery::Undelivered;
use crate::filter::Decision;

/// Size of a row in a journal.
pub const ROW_BYTES: usize = 24;

/// The outcome of an event, as far as it is known.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was filtered out or rejected.
    #[default]
    NotSent,
    /// It was accepted in dry run.
    DryRun,
    /// It was accepted, and is in the spool.
    Waiting,
    /// Customer.io accepted it.
    Delivered,
    /// Customer.io refuses it.
    Refused,
    /// All attempts are used up.
    Expired,
    /// The disk returned other bytes than were written.
    Damaged,
}

impl Outcome {
    /// All variants, by their number in files.
    pub const ALL: [Self; 7] = [
        Self::NotSent,
        Self::DryRun,
        Self::Waiting,
        Self::Delivered,
        Self::Refused,
        Self::Expired,
        Self::Damaged,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotSent => "not sent",
            Self::DryRun => "dry run",
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Damaged => "damaged",
        }
    }

    /// Whether it is a dead letter.
    pub fn is_dead(self) -> bool {
        matches!(self, Self::Refused | Self::Expired | Self::Damaged)
    }

    pub(super) fn from_byte(byte: u8) -> Self {
        Self::ALL
            .get(usize::from(byte))
            .copied()
            .unwrap_or_default()
    }
}

impl From<Undelivered> for Outcome {
    fn from(why: Undelivered) -> Self {
        match why {
            Undelivered::Expired => Self::Expired,
            Undelivered::Discarded => Self::Refused,
            Undelivered::Damaged => Self::Damaged,
        }
    }
}

/// A row that is to be written.
#[derive(Debug, Clone)]
pub struct NewRow {
    /// The event.
    pub key: Key,
    /// The hash of the person; 0 if it is not known.
    pub person: u16,
    /// The event's type.
    pub event_type: Arc<str>,
    /// The decision; none in the row of an outcome.
    pub decision: Option<Decision>,
    /// The outcome.
    pub outcome: Outcome,
    /// When the event was received.
    pub received_ms: UnixMs,
    /// Time from its receipt to its outcome, in milliseconds.
    pub took_ms: u64,
}

/// A row as it is in a file. Its numbers are those of the file's dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The event.
    pub key: Key,
    /// The hash of the person; 0 if it is not known.
    pub person: u16,
    /// The number of the event's type; 0 if it is not kept.
    pub event_type: u16,
    /// The number of the decision; 0 in the row of an outcome.
    pub decision: u16,
    /// The outcome.
    pub outcome: Outcome,
    /// Tenths of a second from the event's second to its receipt.
    pub(super) received_after: i32,
    /// Time from receipt to the outcome, as a byte.
    pub(super) took: u8,
    /// Its place among the rows that are packed together; 0 elsewhere.
    pub(super) number: u32,
}

// Packing holds the rows of a journal in memory.
const _: () = assert!(size_of::<Row>() == 32);

impl Row {
    /// Numbers a new row.
    pub fn new(new: &NewRow, event_type: u16, decision: u16) -> Self {
        let after = new
            .received_ms
            .saturating_sub(i64::from(new.key.second) * 1_000)
            / 100;
        Self {
            key: new.key,
            person: new.person,
            event_type,
            decision,
            outcome: new.outcome,
            received_after: after.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            took: took::to_byte(new.took_ms),
            number: 0,
        }
    }

    /// When the event was received, to a tenth of a second.
    pub fn received_ms(&self) -> UnixMs {
        i64::from(self.key.second) * 1_000 + i64::from(self.received_after) * 100
    }

    /// Time from receipt to the outcome in milliseconds, to about 5 %.
    pub fn took_ms(&self) -> u64 {
        took::from_byte(self.took)
    }

    /// Appends its form in a journal, of [`ROW_BYTES`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.second.to_le_bytes());
        out.extend_from_slice(&self.key.hash.to_le_bytes()[..6]);
        out.extend_from_slice(&self.person.to_le_bytes());
        out.extend_from_slice(&self.event_type.to_le_bytes());
        out.extend_from_slice(&self.decision.to_le_bytes());
        out.extend_from_slice(&self.received_after.to_le_bytes());
        // 3 bits of the outcome; the rest is free for later formats.
        out.extend_from_slice(&[self.outcome as u8, self.took, 0, 0]);
    }

    /// Reverses [`Self::encode`].
    pub fn decode(bytes: &[u8; ROW_BYTES]) -> Self {
        let at = |from: usize| u16::from_le_bytes([bytes[from], bytes[from + 1]]);
        let word = |from: usize| u32::from(at(from)) | (u32::from(at(from + 2)) << 16);
        Self {
            key: Key {
                second: word(0),
                hash: u64::from(word(4)) | (u64::from(at(8)) << 32),
            },
            person: at(10),
            event_type: at(12),
            decision: at(14),
            received_after: word(16).cast_signed(),
            outcome: Outcome::from_byte(bytes[20]),
            took: bytes[21],
            number: 0,
        }
    }
}
