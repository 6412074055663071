//! The rules by which an answer settles items, or has them tried again.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::amplitude::time::UnixMs;
use crate::customerio::response::{Answer, Refusal};
use crate::delivery::retry_policy::RetryPolicy;
use crate::delivery::{History, ItemOutcome, Queued, Undelivered};

use super::health::{DEFAULT_PAUSE, describe};
use super::split::split;

/// A request is split after this many failures while others succeed: one of its items may be the
/// cause.
const SPLIT_AFTER: u32 = 2;
/// Parts of a request that keeps failing. The largest batch holds about 3,000 items: splitting
/// six times leaves each of them alone.
const PARTS: usize = 4;

/// An answer, with what is known of its request.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// Whether a failure uses up an attempt of the items.
    pub counts: bool,
    /// When the request was sent.
    pub sent_ms: UnixMs,
    /// Time from the request to its answer.
    pub took: Duration,
}

/// The consequences of an answer for the items of its request.
#[derive(Debug, Default, PartialEq)]
pub struct Verdict {
    /// Items with a final outcome.
    pub settled: Vec<(Queued, ItemOutcome)>,
    /// Requests to try again; none shares a person with another.
    pub again: Vec<Vec<Queued>>,
    /// Items that wait behind the one request in `again`.
    pub behind: Vec<Queued>,
    /// Delay before the requests in `again`.
    pub wait: Duration,
    /// Time that this attempt adds to [`History::tried_ms`] of each item that is tried again.
    pub tried: Duration,
}

impl Verdict {
    fn retry(items: Vec<Queued>, wait: Duration) -> Self {
        Self {
            again: vec![items],
            wait,
            ..Self::default()
        }
    }
}

/// Applies an answer to the items of its request. `random`, from 0 to 1, spreads retries.
pub fn settle(
    mut items: Vec<Queued>,
    exchange: &Exchange<'_>,
    policy: &RetryPolicy,
    random: f64,
) -> Verdict {
    for queued in &mut items {
        queued.history.requests += 1;
        queued.history.first_ms.get_or_insert(exchange.sent_ms);
    }
    match exchange.answer {
        Answer::Accepted => delivered(items, &BTreeMap::new()),
        Answer::Partly(refusals) => delivered(items, refusals),
        Answer::TooLarge | Answer::Refused { .. } => refused(items, exchange.answer),
        // A pause that the server asks for is no failure: it uses up no attempt and no time.
        Answer::Throttled { after } => Verdict::retry(items, after.unwrap_or(DEFAULT_PAUSE)),
        Answer::Unavailable { .. }
        | Answer::NoAnswer { .. }
        | Answer::Foreign(_)
        | Answer::Panicked { .. } => {
            if exchange.counts {
                failed(items, exchange, policy, random)
            } else {
                Verdict::retry(items, requested_pause(exchange.answer))
            }
        }
        // Whether the items are acceptable shows once the credentials are.
        Answer::Unauthorized { .. } => Verdict::retry(items, Duration::ZERO),
    }
}

/// The pause that a failing server asks for.
fn requested_pause(answer: &Answer) -> Duration {
    match answer {
        Answer::Unavailable { after, .. } => after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// Applies a failure that counts. Items without attempts left expire; the others are tried again,
/// in parts where that may isolate the cause. Only our own delay counts as time spent on an item,
/// not a longer pause that the server asks for.
fn failed(
    mut items: Vec<Queued>,
    exchange: &Exchange<'_>,
    policy: &RetryPolicy,
    random: f64,
) -> Verdict {
    let (mut delay, mut max_failures) = (Duration::ZERO, 0);
    for queued in &mut items {
        queued.history.failures += 1;
        add_tried(queued, exchange.took);
        max_failures = max_failures.max(queued.history.failures);
        delay = delay.max(next_delay(queued, policy, random).unwrap_or_default());
    }
    let is_last = |queued: &Queued| next_delay(queued, policy, random).is_none();
    let (expired, mut left): (Vec<_>, Vec<_>) = items.into_iter().partition(is_last);
    let mut verdict = Verdict {
        settled: expired
            .into_iter()
            .map(|queued| expire(queued, exchange.answer, policy))
            .collect(),
        wait: delay.max(requested_pause(exchange.answer)),
        tried: exchange.took + delay,
        ..Verdict::default()
    };
    left.iter_mut().for_each(|queued| add_tried(queued, delay));
    if left.is_empty() {
        return verdict;
    }
    if max_failures >= SPLIT_AFTER {
        let split = split(left, PARTS);
        (verdict.again, verdict.behind) = (split.parts, split.behind);
    } else {
        verdict.again = vec![left];
    }
    verdict
}

fn add_tried(queued: &mut Queued, spent: Duration) {
    queued.history.tried_ms += spent.as_millis() as u64;
}

/// The delay before the next attempt; none where no attempt or no time is left.
fn next_delay(queued: &Queued, policy: &RetryPolicy, random: f64) -> Option<Duration> {
    let History {
        failures, tried_ms, ..
    } = queued.history;
    policy.delay(failures, Duration::from_millis(tried_ms), random)
}

/// Settles each item; `refusals` are those of a 207, by the item's index.
fn delivered(items: Vec<Queued>, refusals: &BTreeMap<usize, Refusal>) -> Verdict {
    let settle = |(index, queued): (usize, Queued)| {
        let settled = match refusals.get(&index) {
            Some(refusal) => discarded(refusal, "207"),
            None => ItemOutcome::Delivered {
                first_attempt: queued.history.requests == 1,
            },
        };
        (queued, settled)
    };
    Verdict {
        settled: items.into_iter().enumerate().map(settle).collect(),
        ..Verdict::default()
    }
}

/// Discards a single item with the answer's reason; halves a larger request.
fn refused(items: Vec<Queued>, answer: &Answer) -> Verdict {
    if items.len() > 1 {
        let split = split(items, 2);
        return Verdict {
            again: split.parts,
            behind: split.behind,
            ..Verdict::default()
        };
    }
    let refusal = match answer {
        Answer::Refused { refusal, .. } => refusal.clone(),
        other => Refusal {
            message: other.message(),
            ..Refusal::default()
        },
    };
    let discard = |queued| (queued, discarded(&refusal, &answer.label()));
    Verdict {
        settled: items.into_iter().map(discard).collect(),
        ..Verdict::default()
    }
}

/// Settles an item whose attempts or time are used up. The reason says which.
fn expire(queued: Queued, answer: &Answer, policy: &RetryPolicy) -> (Queued, ItemOutcome) {
    let used_up = if queued.history.failures >= policy.attempts {
        format!("all {} attempts failed", policy.attempts)
    } else {
        let within = humantime::format_duration(policy.give_up_after);
        format!("not taken within {within} of attempts and delays")
    };
    let settled = ItemOutcome::Undelivered {
        why: Undelivered::Expired,
        reason: format!("{used_up}, the last: {}", describe(answer)),
        field: String::new(),
        message: answer.message(),
    };
    (queued, settled)
}

/// The outcome of an item that a 207 names, or that was refused alone with `status`.
fn discarded(refusal: &Refusal, status: &str) -> ItemOutcome {
    let reason = match (refusal.reason.as_str(), refusal.message.as_str()) {
        ("", "") => format!("refused with {status} without a reason"),
        ("", text) | (text, "") => text.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    ItemOutcome::Undelivered {
        why: Undelivered::Discarded,
        reason,
        field: refusal.field.clone(),
        message: refusal.message.clone(),
    }
}
