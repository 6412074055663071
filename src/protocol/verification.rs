//! The state of sampled verification: delivered events that were looked up at Customer.io.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

/// The state of sampled verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationStatus {
    /// Delivered events that are sampled a minute. 0: none is looked up.
    pub per_minute: u32,
    /// Samples whose answer is still to come.
    pub waiting: u64,
    /// The answers of the last hour.
    pub hour: VerificationCounts,
    /// The answers since the start.
    pub total: VerificationCounts,
    /// The last events that were not applied, the newest last.
    pub unverified: Vec<UnverifiedEvent>,
    /// Why Customer.io gives no answers at the moment.
    pub problem: Option<String>,
}

/// Answers about sampled events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationCounts {
    /// Customer.io applied the event.
    pub verified: u64,
    /// Customer.io took the event with 200, and then failed it.
    pub failed: u64,
    /// The event is not at Customer.io, more than an hour after its delivery.
    pub missing: u64,
    /// No answer was possible: Customer.io could not be asked, or lists too much.
    pub undecided: u64,
}

impl VerificationCounts {
    /// Events with an answer.
    pub fn answered(&self) -> u64 {
        self.verified + self.unverified()
    }

    /// Events that were delivered, and not applied.
    pub fn unverified(&self) -> u64 {
        self.failed + self.missing
    }
}

/// An event that was delivered, and not applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnverifiedEvent {
    /// When this was found out.
    pub at_ms: UnixMs,
    /// When it was delivered.
    pub delivered_ms: UnixMs,
    /// Its name.
    pub name: String,
    /// The ID that it was sent with.
    pub id: String,
    /// The reason.
    pub reason: String,
}
