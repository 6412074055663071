//! Settings of delivery.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::delivery::breaker::BreakerSettings;
use crate::delivery::retry_policy::RetryPolicy;

/// Settings of delivery, from `[delivery]`.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliverySettings {
    /// A batch closes at this size, in bytes.
    pub batch_bytes: usize,
    /// A batch closes when its oldest item was received this long ago.
    pub batch_age: Duration,
    /// Maximum requests in flight.
    pub in_flight: usize,
    /// Maximum requests a second.
    pub requests_per_second: NonZeroU32,
    /// Maximum bytes of items in memory; further items stay in the spool.
    pub queue_bytes: usize,
    /// When failures are tried again.
    pub retry: RetryPolicy,
    /// When the destination counts as down.
    pub breaker: BreakerSettings,
}
