//! What goes wrong at the sandbox, by order or by chance.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One thing that goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It is answered with this status and not handled.
    Status(u16),
    /// It is handled, and the connection breaks before the answer is whole.
    HangUp,
    /// It is never answered.
    Hang,
    /// It is answered 200 with the page on which a network asks for a sign-in, and not handled.
    SignIn,
    /// A proxy refuses it with this status and a page, and it is not handled.
    Proxy(u16),
    /// It is handled, and answered 207 with errors that name no item of it.
    Unreadable,
}

/// What goes wrong; also what `PUT /sandbox/faults` takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Every answer takes at least so long, in milliseconds.
    pub latency_ms: u64,
    /// What happens to the next requests, in this order, before chance decides.
    pub script: VecDeque<Fault>,
    /// The share of requests, from 0 to 1, that are answered 500.
    pub fail_share: f64,
    /// The share of requests that are answered 429.
    pub throttle_share: f64,
    /// The share of requests that are handled and whose answer is lost.
    pub hang_up_share: f64,
    /// The share of requests that are answered with the page on which a network asks for a
    /// sign-in.
    pub sign_in_share: f64,
    /// The share of requests that a proxy refuses with 403.
    pub proxy_share: f64,
    /// The share of requests that are handled and answered with a 207 that names no item of them.
    pub unreadable_share: f64,
    /// `Retry-After` of answers that fault: seconds, or a date.
    pub retry_after: Option<String>,
    /// Requests that hold this text are answered 400 as a whole.
    pub poison: Option<String>,
    /// Requests that hold this text are answered 503.
    pub breaks_on: Option<String>,
    /// Items that hold this text are refused, each by itself.
    pub refuse: Option<String>,
}

impl Faults {
    pub(super) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    pub(super) fn retry_after(&self) -> Option<String> {
        self.retry_after.clone()
    }

    /// What goes wrong with the next request.
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
