//! The state of delivery, as it is published.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

use super::breaker::BreakerState;
use super::spool::SpoolStatus;

/// How delivery stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// What is accepted and not delivered, on disk.
    pub spool: SpoolStatus,
    /// Requests that are out.
    pub in_flight: u32,
    /// Items that wait to be tried again.
    pub retrying: u64,
    /// When the next of them is tried.
    pub next_retry_ms: Option<UnixMs>,
    /// Whether the destination as a whole takes requests.
    pub breaker: BreakerState,
    /// Until when Customer.io asked for quiet.
    pub throttled_until_ms: Option<UnixMs>,
    /// Requests a second that Customer.io is believed to take.
    pub rate: f64,
    /// The most that the settings allow.
    pub rate_limit: u32,
    /// Whether nothing is sent because the gate is not open.
    pub held: bool,
    /// The server that answers, once it is known.
    pub server: Option<String>,
}

impl Standing {
    /// Whether nothing waits and nothing is out.
    pub fn is_idle(&self) -> bool {
        self.spool.items == 0 && self.in_flight == 0
    }
}
