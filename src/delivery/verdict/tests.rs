use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::amplitude::time::UnixMs;
use crate::customerio::response::{Answer, ForeignReply, Refusal};
use crate::delivery::retry_policy::RetryPolicy;
use crate::delivery::tests_support::queued;
use crate::delivery::{History, ItemOutcome, Queued, Undelivered};
use crate::http::reply::Reply;

const NOW: UnixMs = 1_800_000_000_000;

fn some(count: u64) -> Vec<Queued> {
    (0..count).map(|n| queued(n, n, 10)).collect()
}

/// An answer that came at once, to a request whose failure counts.
fn exchange(answer: &Answer) -> Exchange<'_> {
    Exchange {
        answer,
        counts: true,
        sent_ms: NOW,
        took: Duration::ZERO,
    }
}

fn settle_now(items: Vec<Queued>, answer: &Answer) -> Verdict {
    settle(items, &exchange(answer), &RetryPolicy::default(), 1.0)
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
    Answer::Foreign(ForeignReply::server(&Reply {
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
    assert_eq!(
        verdict.settled[0].1,
        ItemOutcome::Delivered { first_attempt }
    );
    let discarded = ItemOutcome::Undelivered {
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
        matches!(&settle_now(some(1), &without_words).settled[0].1, ItemOutcome::Undelivered { reason, .. }
        if reason == "refused with 422 without a reason")
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
                ItemOutcome::Delivered { .. } => delivered.push(queued.accepted.sequence),
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
        matches!(&verdict.settled[0].1, ItemOutcome::Undelivered { why: Undelivered::Expired, reason, .. }
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
        let down = down();
        let uncounted = Exchange {
            counts: false,
            ..exchange(&down)
        };
        items = settle(items, &uncounted, &RetryPolicy::default(), 1.0)
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
    let retry = RetryPolicy {
        attempts: 100,
        ..RetryPolicy::default()
    };
    let (mut items, mut spent, mut count) = (some(1), Duration::ZERO, 0);
    loop {
        let took = Duration::from_secs(60);
        let down = down();
        let slow = Exchange {
            took,
            ..exchange(&down)
        };
        let mut verdict = settle(items, &slow, &retry, 0.5);
        spent += took;
        let Some(again) = verdict.again.pop() else {
            assert!(
                matches!(&verdict.settled[0].1, ItemOutcome::Undelivered { why: Undelivered::Expired, reason, .. }
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
        let later = Exchange {
            sent_ms: at_ms,
            took,
            ..exchange(answer)
        };
        let mut verdict = settle(items, &later, &RetryPolicy::default(), 1.0);
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
            matches!(health(&unauthorized(status)), Health::RefusesCredentials(why) if why.contains("credentials"))
        );
    }
    assert!(matches!(health(&foreign()), Health::Foreign(why)
        if why == "another server answers: an empty body (404); is customerio.base_url right?"));
    let verdict = settle_now(some(2), &foreign());
    assert_eq!((verdict.again[0].len(), verdict.settled.len()), (2, 0));
    assert_eq!(health(&refused()), Health::Works);
    assert_eq!(health(&down()), Health::Fails("503 down".to_owned(), None));
    let none = Answer::NoAnswer {
        message: "no connection: refused".to_owned(),
    };
    assert_eq!(
        health(&none),
        Health::Fails("no connection: refused".to_owned(), None)
    );
}
