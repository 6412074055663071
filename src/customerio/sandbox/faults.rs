//! The faults that the sandbox injects, by script or at random.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::app_faults::AppFaults;

/// One fault of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The request is answered with this status and not handled.
    Status(u16),
    /// The request is handled, and the connection breaks within the answer.
    HangUp,
    /// The request is never answered.
    Hang,
    /// The request is answered 200 with a network's sign-in page, and not handled.
    SignIn,
    /// A proxy refuses the request with this status and a page, and it is not handled.
    Proxy(u16),
    /// The request is handled, and answered 207 with errors that match none of its items.
    Unreadable,
}

/// The faults to inject; also the body of `PUT /sandbox/faults`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Minimum time of every answer, in milliseconds.
    pub latency_ms: u64,
    /// The faults of the next requests, in this order. After them, the shares decide.
    pub script: VecDeque<Fault>,
    /// The share of requests, from 0 to 1, that are answered 500.
    pub fail_share: f64,
    /// The share of requests that are answered 429.
    pub throttle_share: f64,
    /// The share of requests that are handled and whose answer is lost.
    pub hang_up_share: f64,
    /// The share of requests that are answered with a network's sign-in page.
    pub sign_in_share: f64,
    /// The share of requests that a proxy refuses with 403.
    pub proxy_share: f64,
    /// The share of requests that are handled and answered with a 207 that matches no item.
    pub unreadable_share: f64,
    /// `Retry-After` of answers with an error status: seconds, or a date.
    pub retry_after: Option<String>,
    /// Requests that contain this text are answered 400 as a whole.
    pub poison: Option<String>,
    /// Requests that contain this text are answered 503.
    pub breaks_on: Option<String>,
    /// Items that contain this text are refused one by one.
    pub refuse: Option<String>,
    /// What happens after a 200, and how the App API answers.
    pub app: AppFaults,
}

impl Faults {
    pub(super) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    pub(super) fn retry_after(&self) -> Option<String> {
        self.retry_after.clone()
    }

    /// The fault of the next request, if any.
    pub(super) fn next(&mut self) -> Option<Fault> {
        if let Some(fault) = self.script.pop_front() {
            return Some(fault);
        }
        let chance: f64 = rand::random();
        let shares = [
            (self.fail_share, Fault::Status(500)),
            (self.throttle_share, Fault::Status(429)),
            (self.hang_up_share, Fault::HangUp),
            (self.sign_in_share, Fault::SignIn),
            (self.proxy_share, Fault::Proxy(403)),
            (self.unreadable_share, Fault::Unreadable),
        ];
        let mut below = 0.0;
        shares.into_iter().find_map(|(share, fault)| {
            below += share;
            (chance < below).then_some(fault)
        })
    }
}
