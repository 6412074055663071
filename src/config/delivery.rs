//! `[delivery]`: batches, retries and the circuit breaker.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::customerio::sizes::BATCH_BYTES;
use crate::delivery::breaker::BreakerSettings;
use crate::delivery::retry_policy::RetryPolicy;
use crate::setting_form::humane;

/// `[delivery]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct Delivery {
    pub requests_per_second: NonZeroU32,
    pub in_flight: usize,
    pub batch_bytes: usize,
    #[serde(with = "humane")]
    pub batch_age: Duration,
    pub attempts: u32,
    #[serde(with = "humane")]
    pub give_up_after: Duration,
    #[serde(with = "humane")]
    pub first_delay: Duration,
    #[serde(with = "humane")]
    pub longest_delay: Duration,
    pub breaker_failures: u32,
    #[serde(with = "humane")]
    pub first_probe: Duration,
    #[serde(with = "humane")]
    pub longest_probe: Duration,
    pub queue_bytes: usize,
    #[serde(with = "humane")]
    pub drain: Duration,
}

impl Default for Delivery {
    fn default() -> Self {
        let (retry, breaker) = (RetryPolicy::default(), BreakerSettings::default());
        Self {
            requests_per_second: NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN),
            in_flight: 16,
            batch_bytes: BATCH_BYTES,
            batch_age: Duration::from_millis(250),
            attempts: retry.attempts,
            give_up_after: retry.give_up_after,
            first_delay: retry.first_delay,
            longest_delay: retry.longest_delay,
            breaker_failures: breaker.failures,
            first_probe: breaker.first_probe,
            longest_probe: breaker.longest_probe,
            queue_bytes: 12_000_000,
            drain: Duration::from_secs(20),
        }
    }
}
