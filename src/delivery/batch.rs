//! What an answer means: for each item of the request, and for the destination as a whole.
//!
//! A request that is refused as a whole is halved until the bad item stands alone; one that
//! keeps failing while others don't is quartered, so that what makes it fail stands alone
//! before its attempts are used up. The parts share no person, so that none has to wait for
//! another; where there is only one person left, the rest waits behind the first part.
//!
//! Only Customer.io's own words settle an item. An answer of another server, and one that can't
//! be matched with the items, says nothing of any of them: all are tried again.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::amplitude::time::UnixMs;
use crate::customerio::response::{Answer, Foreign, Refusal};

use rustc_hash::FxHashMap;

use super::retry::Retry;
use super::{History, Part, Queued, Settled, Undelivered};

/// How long to wait after a 429 that doesn't say.
const QUIET: Duration = Duration::from_secs(1);
/// A request that failed so often while others did not is split: one of its items may be why.
const SPLIT_AFTER: u32 = 2;
/// Into so many parts. The largest batch holds about 3,000 items: six times four are enough.
const PARTS: usize = 4;

/// What an answer says of the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// It works.
    Works,
    /// It asks for quiet, for so long.
    Quiet(Duration),
    /// It fails, and when to try again if it says so.
    Fails(String, Option<Duration>),
    /// It refuses the credentials.
    Refuses(String),
    /// Another server answers in its place.
    Foreign(String),
    /// It said nothing: the request panicked in this program.
    Panicked(String),
    /// Nothing: what stands in front of it may have said so too.
    Nothing,
}

/// What comes of a request.
#[derive(Debug, Default, PartialEq)]
pub struct Verdict {
    /// What became of items.
    pub settled: Vec<(Queued, Settled)>,
    /// What is to be tried again, together each: different people in each of them.
    pub again: Vec<Vec<Queued>>,
    /// What is to wait behind the one in `again`.
    pub behind: Vec<Queued>,
    /// How long to wait before.
    pub wait: Duration,
    /// The time that this adds to what was spent on each item that is tried again.
    pub tried: Duration,
}

/// What an answer says of the destination.
pub fn says(answer: &Answer) -> Says {
    match answer {
        // A refusal of what was sent is the answer of one that works.
        Answer::Accepted | Answer::Partly(_) | Answer::Refused { .. } => Says::Works,
        // A proxy's own limit, as likely as not: the halves will tell.
        Answer::TooLarge => Says::Nothing,
        Answer::Throttled { after } => Says::Quiet(after.unwrap_or(QUIET)),
        Answer::Unavailable { after, .. } => Says::Fails(in_words(answer), *after),
        Answer::NoAnswer { .. } => Says::Fails(in_words(answer), None),
        Answer::Foreign(foreign @ Foreign { advice, .. }) => {
            Says::Foreign(format!("{foreign}; {advice}"))
        }
        Answer::Panicked { message } => Says::Panicked(message.clone()),
        Answer::Unauthorized { status, message } => {
            let said = if message.is_empty() {
                String::new()
            } else {
                format!(" ({message})")
            };
            Says::Refuses(format!(
                "Customer.io refuses the credentials: {status}{said}; check site ID, API key and region"
            ))
        }
    }
}

/// The answer in a word, and what it said.
pub fn in_words(answer: &Answer) -> String {
    match answer {
        // Their words say it all: "no answer no connection: …" would say it twice.
        Answer::NoAnswer { message }
        | Answer::Panicked { message }
        | Answer::Unavailable {
            status: 207,
            message,
            ..
        } => message.clone(),
        Answer::Foreign(foreign) => foreign.to_string(),
        _ => {
            let said = format!("{} {}", answer.label(), answer.message());
            said.trim_end().to_owned()
        }
    }
}

/// Applies an answer to the items of its request. `counts` is whether a failure uses up an
/// attempt; `sent_ms` is when the request went out, and `took` how long it was out; `random`, from
/// 0 to 1, spreads retries.
pub fn settle(
    mut items: Vec<Queued>,
    answer: &Answer,
    counts: bool,
    (sent_ms, took): (UnixMs, Duration),
    retry: &Retry,
    random: f64,
) -> Verdict {
    for queued in &mut items {
        queued.history.requests += 1;
        queued.history.first_ms.get_or_insert(sent_ms);
    }
    match answer {
        Answer::Accepted => delivered(items, &BTreeMap::new()),
        Answer::Partly(refusals) => delivered(items, refusals),
        Answer::TooLarge | Answer::Refused { .. } => refused(items, answer),
        // Quiet that it asks for is no failure: no attempt, and no time spent on one.
        Answer::Throttled { after } => Verdict {
            again: vec![items],
            wait: after.unwrap_or(QUIET),
            ..Verdict::default()
        },
        Answer::Unavailable { .. }
        | Answer::NoAnswer { .. }
        | Answer::Foreign(_)
        | Answer::Panicked { .. } => {
            let after = match answer {
                Answer::Unavailable { after, .. } => after.unwrap_or_default(),
                _ => Duration::ZERO,
            };
            if counts {
                failed(items, answer, (took, after), retry, random)
            } else {
                Verdict {
                    again: vec![items],
                    wait: after,
                    ..Verdict::default()
                }
            }
        }
        // Whether they can be taken is not known: that is for the credentials to mend.
        Answer::Unauthorized { .. } => Verdict {
            again: vec![items],
            ..Verdict::default()
        },
    }
}

/// A failure that counts: those that have had all their attempts expire, and the others are tried
/// again, in parts if that may help. The server asks for at least `after`; only the delay of our
/// own is time spent on an item.
fn failed(
    mut items: Vec<Queued>,
    answer: &Answer,
    (took, after): (Duration, Duration),
    retry: &Retry,
    random: f64,
) -> Verdict {
    let (mut delay, mut most) = (Duration::ZERO, 0);
    for queued in &mut items {
        queued.history.failures += 1;
        add_tried(queued, took);
        most = most.max(queued.history.failures);
        delay = delay.max(next_delay(queued, retry, random).unwrap_or_default());
    }
    let expires = |queued: &Queued| next_delay(queued, retry, random).is_none();
    let (gone, mut left): (Vec<_>, Vec<_>) = items.into_iter().partition(expires);
    let mut verdict = Verdict {
        settled: gone
            .into_iter()
            .map(|queued| expire(queued, answer, retry))
            .collect(),
        wait: delay.max(after),
        tried: took + delay,
        ..Verdict::default()
    };
    left.iter_mut().for_each(|queued| add_tried(queued, delay));
    if left.is_empty() {
        return verdict;
    }
    if most >= SPLIT_AFTER {
        split(left, PARTS, &mut verdict);
    } else {
        verdict.again = vec![left];
    }
    verdict
}

fn add_tried(queued: &mut Queued, spent: Duration) {
    queued.history.tried_ms += spent.as_millis() as u64;
}

/// The delay before the next attempt; none where there is no attempt or no time left.
fn next_delay(queued: &Queued, retry: &Retry, random: f64) -> Option<Duration> {
    let History {
        failures, tried_ms, ..
    } = queued.history;
    retry.delay(failures, Duration::from_millis(tried_ms), random)
}

fn delivered(items: Vec<Queued>, refusals: &BTreeMap<usize, Refusal>) -> Verdict {
    let settle = |(index, queued): (usize, Queued)| {
        let settled = match refusals.get(&index) {
            Some(refusal) => discarded(refusal, "207"),
            None => Settled::Delivered {
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

/// One item alone is discarded with what the answer says; more are halved.
fn refused(items: Vec<Queued>, answer: &Answer) -> Verdict {
    let mut verdict = Verdict::default();
    if items.len() > 1 {
        split(items, 2, &mut verdict);
        return verdict;
    }
    let refusal = match answer {
        Answer::Refused { refusal, .. } => refusal.clone(),
        other => Refusal {
            message: other.message(),
            ..Refusal::default()
        },
    };
    let discard = |queued| (queued, discarded(&refusal, &answer.label()));
    verdict.settled = items.into_iter().map(discard).collect();
    verdict
}

/// Splits by people, in the order in which they first come; one person's items after the
/// first part.
fn split(mut items: Vec<Queued>, parts: usize, verdict: &mut Verdict) {
    let mut people: FxHashMap<u64, usize> = FxHashMap::default();
    for queued in &items {
        let next = people.len();
        people.entry(queued.person()).or_insert(next);
    }
    if people.len() == 1 {
        verdict.behind = items.split_off(items.len().div_ceil(parts));
        verdict.again = vec![items];
        return;
    }
    let each = people.len().div_ceil(parts);
    verdict
        .again
        .resize_with(people.len().div_ceil(each), Vec::new);
    for queued in items {
        let part = people[&queued.person()] / each;
        verdict.again[part].push(queued);
    }
}

/// The reason says what was used up; how many requests there were is the item's own.
fn expire(queued: Queued, answer: &Answer, retry: &Retry) -> (Queued, Settled) {
    let used_up = if queued.history.failures >= retry.attempts {
        format!("all {} attempts failed", retry.attempts)
    } else {
        let within = humantime::format_duration(retry.give_up_after);
        format!("not taken within {within} of attempts and delays")
    };
    let settled = Settled::Undelivered {
        why: Undelivered::Expired,
        reason: format!("{used_up}, the last: {}", in_words(answer)),
        field: String::new(),
        message: answer.message(),
    };
    (queued, settled)
}

/// The same for an item that a 207 names, and for one that was refused alone with `status`.
fn discarded(refusal: &Refusal, status: &str) -> Settled {
    let reason = match (refusal.reason.as_str(), refusal.message.as_str()) {
        ("", "") => format!("refused with {status}, without a word"),
        ("", said) | (said, "") => said.to_owned(),
        (word, said) => format!("{word}: {said}"),
    };
    Settled::Undelivered {
        why: Undelivered::Discarded,
        reason,
        field: refusal.field.clone(),
        message: refusal.message.clone(),
    }
}

/// Whether the outcome is the event's own, and not that of an identify beside it.
pub fn is_event(queued: &Queued) -> bool {
    queued.accepted.part == Part::Event
}

#[cfg(test)]
pub(super) mod tests_support {
    use bytes::Bytes;

    use super::super::cargo::Cargo;
    use super::*;
    use crate::customerio::mapping::Route;
    use crate::delivery::spool::tests_support::accepted;
    use crate::delivery::{History, Place};

    /// Item `sequence` of `person`, with a body of `bytes`; its place is its sequence.
    pub(crate) fn queued(sequence: u64, person: u64, bytes: usize) -> Queued {
        let mut accepted = accepted(sequence, person, "");
        accepted.item.body = Bytes::from(vec![b' '; bytes]);
        Queued {
            accepted,
            place: Place {
                chunk: sequence,
                item: 0,
            },
            history: History::default(),
        }
    }

    /// One that goes by v1.
    pub(crate) fn alone(sequence: u64, person: u64) -> Queued {
        let mut queued = queued(sequence, person, 40_000);
        queued.accepted.item.route = Route::V1 {
            put: false,
            path: "/api/v1/events".to_owned(),
        };
        queued
    }

    pub(crate) fn sequences(cargo: &Cargo) -> Vec<u64> {
        match cargo {
            Cargo::Here(items) => items.iter().map(|q| q.accepted.sequence).collect(),
            Cargo::Spooled(tickets) => tickets.iter().map(|t| t.place.chunk).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tests_support::queued;
    use super::*;
    use crate::http::reply::Reply;

    const NOW: UnixMs = 1_800_000_000_000;

    fn some(count: u64) -> Vec<Queued> {
        (0..count).map(|n| queued(n, n, 10)).collect()
    }

    fn settle_now(items: Vec<Queued>, answer: &Answer) -> Verdict {
        settle(
            items,
            answer,
            true,
            (NOW, Duration::ZERO),
            &Retry::default(),
            1.0,
        )
    }

    fn numbers(items: &[Queued]) -> Vec<u64> {
        items.iter().map(|q| q.accepted.sequence).collect()
    }

    fn down() -> Answer {
        Answer::Unavailable {
            status: 503,
            message: "down".to_owned(),
            after: None,
        }
    }

    fn refused() -> Answer {
        Answer::Refused {
            status: 400,
            refusal: Refusal {
                message: "no".to_owned(),
                ..Refusal::default()
            },
        }
    }

    fn foreign() -> Answer {
        Answer::Foreign(Foreign::server(&Reply {
            status: 404,
            ..Reply::default()
        }))
    }

    #[test]
    fn a_207_settles_item_by_item_and_a_400_fills_what_it_refuses_alike() {
        let refusal = Refusal {
            reason: "invalid".to_owned(),
            field: "attributes.plan".to_owned(),
            message: "too long".to_owned(),
        };
        let partly = Answer::Partly(BTreeMap::from([(1, refusal.clone())]));
        let verdict = settle_now(some(3), &partly);
        let first_attempt = true;
        assert_eq!(verdict.settled[0].1, Settled::Delivered { first_attempt });
        let discarded = Settled::Undelivered {
            why: Undelivered::Discarded,
            reason: "invalid: too long".to_owned(),
            field: "attributes.plan".to_owned(),
            message: "too long".to_owned(),
        };
        assert_eq!(verdict.settled[1].1, discarded);
        assert!(verdict.again.is_empty());
        let alone = settle_now(
            some(1),
            &Answer::Refused {
                status: 400,
                refusal,
            },
        );
        assert_eq!(alone.settled[0].1, discarded);
        let without_words = Answer::Refused {
            status: 422,
            refusal: Refusal::default(),
        };
        assert!(
            matches!(&settle_now(some(1), &without_words).settled[0].1, Settled::Undelivered { reason, .. }
            if reason == "refused with 422, without a word")
        );
    }

    /// Settles until nothing is left; what became of each, and the number of requests.
    fn until_settled(items: Vec<Queued>, poison: u64, bad: &Answer) -> (Vec<u64>, Vec<u64>, u32) {
        let mut out = vec![items];
        let (mut delivered, mut gone, mut requests) = (Vec::new(), Vec::new(), 0);
        while let Some(items) = out.pop() {
            let answer = if items.iter().any(|q| q.accepted.sequence == poison) {
                bad
            } else {
                &Answer::Accepted
            };
            requests += 1;
            let verdict = settle_now(items, answer);
            for (queued, settled) in verdict.settled {
                match settled {
                    Settled::Delivered { .. } => delivered.push(queued.accepted.sequence),
                    _ => gone.push(queued.accepted.sequence),
                }
            }
            // What waits behind goes last.
            if !verdict.behind.is_empty() {
                out.push(verdict.behind);
            }
            out.extend(verdict.again.into_iter().rev());
        }
        (delivered, gone, requests)
    }

    #[test]
    fn one_poison_among_a_thousand_is_found_by_halving_and_all_others_are_delivered() {
        let (delivered, gone, requests) = until_settled(some(1_000), 617, &refused());
        assert_eq!((delivered.len(), gone), (999, vec![617]));
        assert!(requests <= 21, "{requests}");
    }

    #[test]
    fn one_that_always_fails_is_found_too_before_its_attempts_are_used_up() {
        let unreadable = Answer::Unavailable {
            status: 207,
            message: "?".to_owned(),
            after: None,
        };
        for bad in [down(), foreign(), unreadable] {
            let (delivered, gone, _) = until_settled(some(3_000), 99, &bad);
            assert_eq!((delivered.len(), gone), (2_999, vec![99]));
        }
    }

    #[test]
    fn one_persons_items_are_halved_in_their_order() {
        let items = (0..100).map(|n| queued(n, 7, 10)).collect();
        let (delivered, gone, _) = until_settled(items, 42, &refused());
        assert_eq!(gone, [42]);
        assert!(delivered.is_sorted() && delivered.len() == 99);
    }

    #[test]
    fn parts_share_no_person() {
        let items = |people| (0..9).map(|n| queued(n, n % people, 10)).collect();
        let parts = |verdict: Verdict| -> Vec<Vec<u64>> {
            verdict.again.iter().map(|part| numbers(part)).collect()
        };
        let halves = parts(settle_now(items(3), &refused()));
        assert_eq!(halves, [vec![0, 1, 3, 4, 6, 7], vec![2, 5, 8]]);
        let whole = settle_now(items(5), &down()).again.remove(0);
        let quarters = parts(settle_now(whole, &down()));
        assert_eq!(quarters, [vec![0, 1, 5, 6], vec![2, 3, 7, 8], vec![4]]);
    }

    #[test]
    fn a_failing_item_is_tried_ten_times_and_then_expires_with_its_last_answer() {
        let mut items = some(1);
        for _ in 1..10 {
            let mut verdict = settle_now(items, &down());
            assert!(verdict.settled.is_empty() && verdict.wait > Duration::ZERO);
            items = verdict.again.remove(0);
        }
        let verdict = settle_now(items, &down());
        assert!(verdict.again.is_empty());
        assert!(
            matches!(&verdict.settled[0].1, Settled::Undelivered { why: Undelivered::Expired, reason, .. }
            if reason == "all 10 attempts failed, the last: 503 down")
        );
    }

    #[test]
    fn what_does_not_count_uses_up_no_attempt() {
        let mut items = some(1);
        let throttled = Answer::Throttled {
            after: Some(Duration::from_secs(3)),
        };
        for _ in 0..20 {
            items = settle(
                items,
                &down(),
                false,
                (NOW, Duration::ZERO),
                &Retry::default(),
                1.0,
            )
            .again
            .remove(0);
            let mut verdict = settle_now(items, &throttled);
            assert_eq!(verdict.wait, Duration::from_secs(3));
            items = verdict.again.remove(0);
        }
        assert_eq!(
            (items[0].history.requests, items[0].history.failures),
            (40, 0)
        );
    }

    #[test]
    fn four_hours_of_attempts_and_delays_are_all_that_an_item_gets() {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let retry = Retry {
            attempts: 100,
            ..Retry::default()
        };
        let (mut items, mut spent, mut count) = (some(1), Duration::ZERO, 0);
        loop {
            let took = Duration::from_secs(60);
            let mut verdict = settle(items, &down(), true, (NOW, took), &retry, 0.5);
            spent += took;
            let Some(again) = verdict.again.pop() else {
                assert!(
                    matches!(&verdict.settled[0].1, Settled::Undelivered { why: Undelivered::Expired, reason, .. }
                    if reason == "not taken within 4h of attempts and delays, the last: 503 down")
                );
                break;
            };
            spent += verdict.wait;
            count += 1;
            assert_eq!(again[0].history.tried_ms, spent.as_millis() as u64);
            items = again;
        }
        assert!(
            count > 9 && spent <= hours(4) && spent > hours(3),
            "{count}, {spent:?}"
        );
    }

    #[test]
    fn neither_a_clock_nor_an_answer_uses_up_the_time_of_an_item() {
        let day_ms = 86_400_000;
        let five_hours = Some(Duration::from_secs(5 * 3_600));
        let mut items = some(1);
        let throttled = Answer::Throttled { after: five_hours };
        let later = Answer::Unavailable {
            status: 503,
            message: String::new(),
            after: five_hours,
        };
        for (days, answer) in [
            (0, &throttled),
            (1, &throttled),
            (0, &later),
            (400, &later),
            (-400, &down()),
            (400, &throttled),
            (0, &later),
        ] {
            let at_ms = NOW + days * day_ms;
            let took = Duration::from_millis(5);
            let mut verdict = settle(items, answer, true, (at_ms, took), &Retry::default(), 1.0);
            items = verdict.again.remove(0);
        }
        let History {
            failures,
            tried_ms,
            first_ms,
            ..
        } = items[0].history;
        assert_eq!((failures, first_ms), (4, Some(NOW)));
        assert!(tried_ms < 60_000, "{tried_ms}");
    }

    #[test]
    fn what_the_answer_says_of_the_destination() {
        let unauthorized = |status| Answer::Unauthorized {
            status,
            message: String::new(),
        };
        for status in [401, 403] {
            assert!(
                matches!(says(&unauthorized(status)), Says::Refuses(why) if why.contains("credentials"))
            );
        }
        assert!(matches!(says(&foreign()), Says::Foreign(why)
            if why == "another server answers: an empty body (404); is customerio.base_url right?"));
        let verdict = settle_now(some(2), &foreign());
        assert_eq!((verdict.again[0].len(), verdict.settled.len()), (2, 0));
        assert_eq!(says(&refused()), Says::Works);
        assert_eq!(says(&down()), Says::Fails("503 down".to_owned(), None));
        let none = Answer::NoAnswer {
            message: "no connection: refused".to_owned(),
        };
        assert_eq!(
            says(&none),
            Says::Fails("no connection: refused".to_owned(), None)
        );
    }
}
