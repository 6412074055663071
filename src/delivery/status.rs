//! The state of delivery, as it is published.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

use super::breaker::BreakerState;
use super::spool::SpoolStatus;

/// The state of delivery.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DeliveryStatus {
    /// The spool.
    pub spool: SpoolStatus,
    /// Requests in flight.
    pub in_flight: u32,
    /// Items that wait for a retry.
    pub retrying: u64,
    /// When the next of them is tried.
    pub next_retry_ms: Option<UnixMs>,
    /// Whether requests are sent to the destination.
    pub breaker: BreakerState,
    /// Until when Customer.io asked for no requests.
    pub throttled_until_ms: Option<UnixMs>,
    /// The current limit on requests a second, learned from Customer.io's answers.
    pub rate: f64,
    /// The limit in the settings, in requests a second.
    pub rate_limit: u32,
    /// Whether the gate is not open, so that nothing is sent and items stay in the spool.
    #[serde(rename = "held")]
    pub gate_shut: bool,
    /// The server that answers, once it is known.
    pub server: Option<String>,
}

impl DeliveryStatus {
    /// Whether every item is settled and no request is in flight.
    pub fn is_idle(&self) -> bool {
        self.spool.items == 0 && self.in_flight == 0
    }
}
