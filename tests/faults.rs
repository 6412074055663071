//! Faults, one after the other, over real sockets: the notices to the operator, and the outcomes
//! of the events. The README's table of failures describes this file.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "faults/answers.rs"]
mod answers;
#[path = "common/bench.rs"]
mod bench;
mod common;
#[path = "faults/connection.rs"]
mod connection;
#[path = "common/proxy.rs"]
mod proxy;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::{Bench, all_delivered, labels, outcomes, some, with};
use common::{event, numbers_of, sandbox, settings, until};
use sluicegate::config::Settings;
use sluicegate::customerio::Client;
use sluicegate::customerio::sandbox::{Fault, Faults};
use sluicegate::delivery::BreakerState as Breaker;
use sluicegate::delivery::{Control, ItemOutcome, Undelivered};

/// Settings towards `url` whose attempts would be used up at once, were they counted.
fn impatient(url: &str) -> Settings {
    let mut settings = settings("ws://unused", url);
    settings.delivery.attempts = 5;
    settings.delivery.breaker_failures = 3;
    settings.delivery.give_up_after = Duration::from_secs(1);
    settings.customerio.timeout = Duration::from_millis(300);
    settings
}

/// Waits until delivery says why it can't go on; what it says.
async fn told_of(bench: &Bench) -> String {
    let status = bench.status.clone();
    until("the breaker opens", || {
        status.borrow().breaker != Breaker::Closed
    })
    .await;
    let why = status.borrow().breaker.why().map(str::to_owned);
    why.unwrap()
}

/// Sends by another client from now on.
async fn send_to(bench: &Bench, url: &str) {
    let destination = settings("ws://unused", url).destination().unwrap();
    let client = Arc::new(Client::new(destination).unwrap());
    bench.control.send(Control::Client(client)).await.unwrap();
}

/// A server that can't be reached in some way: it is told in words, all is kept, however long
/// it takes no attempt is used up; and once it can be reached, all arrives.
async fn is_outlived(url: &str, says: &[&str]) {
    let sandbox = sandbox(Faults::default()).await;
    let bench = Bench::new(&impatient(url));
    bench.send(some(300));
    let why = told_of(&bench).await;
    assert!(says.iter().any(|part| why.contains(part)), "{why}");
    // Longer than any attempt may take from the first one on.
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    bench.send(
        (300..600)
            .map(|n| bench::accepted(n, &event("u-9", n)))
            .collect(),
    );
    until("they are durable", || bench.spooled() == 600).await;
    send_to(&bench, &sandbox.url()).await;
    let (told, left) = bench.finish().await;
    assert!(all_delivered(&told, 600), "{why}");
    assert_eq!((sandbox.counts().events, left), (600, 0));
}

#[tokio::test]
async fn failures_are_tried_again_and_nothing_comes_twice() {
    let faults = with([
        Fault::Status(500),
        Fault::HangUp,
        Fault::Status(503),
        Fault::Status(408),
    ]);
    let sandbox = sandbox(faults).await;
    let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
    // One person: a request of several is halved when it fails again.
    bench.send(
        (0..50)
            .map(|n| bench::accepted(n, &event("u", n)))
            .collect(),
    );
    let (told, _) = bench.finish().await;
    assert_eq!(labels(&told)[..2], ["500", "no answer"]);
    assert!(outcomes(&told).iter().all(|(_, s)| *s
        == ItemOutcome::Delivered {
            first_attempt: false
        }));
    let counts = sandbox.counts();
    assert_eq!(
        (counts.events, counts.duplicates),
        (50, 50),
        "the hang-up had taken them: their ids made the retry harmless"
    );
    assert!(numbers_of(&sandbox, "u").is_sorted());
}

#[tokio::test]
async fn one_event_that_the_server_breaks_on_expires_alone_and_all_others_arrive() {
    let sandbox = sandbox(Faults {
        breaks_on: Some("\"number\":617}".to_owned()),
        ..Faults::default()
    })
    .await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.first_delay = Duration::from_millis(2);
    settings.delivery.longest_delay = Duration::from_millis(5);
    let bench = Bench::new(&settings);
    bench.send(
        (0..1_000)
            .map(|n| bench::accepted(n, &event(&format!("u-{n}"), n)))
            .collect(),
    );
    until("all others have arrived", || sandbox.counts().events == 999).await;
    // Alone, it looks like an outage until others get through.
    let mut more = 1_000;
    until("it has expired", || {
        more += 1;
        bench.send(vec![bench::accepted(more, &event("u-more", more))]);
        bench.spool.published().borrow().status.dead_letters == 1
    })
    .await;
    let (told, left) = bench.finish().await;
    let undelivered: Vec<_> = outcomes(&told)
        .into_iter()
        .filter(|(_, s)| !matches!(s, ItemOutcome::Delivered { .. }))
        .collect();
    assert_eq!(left, 0);
    assert!(
        matches!(&undelivered[..], [(617, ItemOutcome::Undelivered { why: Undelivered::Expired, reason, .. })]
            if reason.ends_with("the last: 503 the sandbox breaks on this")),
        "{undelivered:?}"
    );
}

#[tokio::test]
async fn a_429_is_waited_for_as_long_as_it_says_in_seconds_or_by_a_date_and_slows_the_rate() {
    for by_date in [false, true] {
        let mut faults = with([Fault::Status(429)]);
        let date = std::time::SystemTime::now() + Duration::from_secs(2);
        faults.retry_after = Some(if by_date {
            httpdate::fmt_http_date(date)
        } else {
            "1".to_owned()
        });
        let sandbox = sandbox(faults).await;
        let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
        let started = Instant::now();
        bench.send(some(5));
        let status = bench.status.clone();
        until("it keeps quiet", || {
            status.borrow().throttled_until_ms.is_some()
        })
        .await;
        assert!(status.borrow().rate < 51.0, "{}", status.borrow().rate);
        let (told, _) = bench.finish().await;
        assert_eq!(labels(&told), ["429", "200"]);
        // A date has whole seconds only.
        assert!(started.elapsed() >= Duration::from_millis(900));
    }
}

#[tokio::test]
async fn a_date_is_kept_on_a_503_too() {
    let mut faults = with([Fault::Status(503)]);
    let date = std::time::SystemTime::now() + Duration::from_secs(2);
    faults.retry_after = Some(httpdate::fmt_http_date(date));
    let sandbox = sandbox(faults).await;
    let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
    let started = Instant::now();
    bench.send(some(2));
    let (told, _) = bench.finish().await;
    assert_eq!(labels(&told), ["503", "200"]);
    assert!(started.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn refused_credentials_stop_delivery_until_someone_says_try() {
    let sandbox = sandbox(Faults::default()).await;
    sandbox.set_credentials("site:another");
    let bench = Bench::new(&impatient(&sandbox.url()));
    bench.send(some(30));
    let why = told_of(&bench).await;
    assert!(
        why.contains("401") && why.contains("check site ID, API key and region"),
        "{why}"
    );
    let asked = sandbox.counts().requests;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(
        sandbox.counts().requests,
        asked,
        "nothing is tried until then"
    );
    bench.control.send(Control::Resume).await.unwrap();
    until("it is tried once", || {
        sandbox.counts().requests == asked + 1
    })
    .await;
    sandbox.set_credentials("site:key");
    bench.control.send(Control::Resume).await.unwrap();
    until("they arrive", || sandbox.counts().events == 30).await;
    let (told, left) = bench.finish().await;
    assert!(all_delivered(&told, 30) && left == 0);
}

#[tokio::test]
async fn a_413_is_halved_until_it_fits() {
    let sandbox = sandbox(with([Fault::Status(413), Fault::Status(413)])).await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.in_flight = 1;
    let bench = Bench::new(&settings);
    bench.send(some(7));
    let (told, _) = bench.finish().await;
    assert_eq!(labels(&told), ["413", "413", "200", "200", "200"]);
    assert!(all_delivered(&told, 7));
}

#[tokio::test]
async fn one_poison_in_a_thousand_is_found_and_the_others_arrive() {
    let sandbox = sandbox(Faults {
        poison: Some("\"number\":617}".to_owned()),
        ..Faults::default()
    })
    .await;
    let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
    bench.send(some(1_000));
    let folder = bench.folder.clone();
    let (told, left) = bench.finish().await;
    let undelivered: Vec<u64> = outcomes(&told)
        .into_iter()
        .filter(|(_, s)| matches!(s, ItemOutcome::Undelivered { .. }))
        .map(|(n, _)| n)
        .collect();
    assert_eq!((undelivered, left), (vec![617], 0));
    assert_eq!(sandbox.counts().events, 999);
    let letters = sluicegate::delivery::spool::dead_letters::DeadLetters::open(folder.path());
    let rows = letters.unwrap().unwrap().rows().unwrap();
    assert_eq!((rows.len(), rows[0].count), (1, 1));
    assert_eq!(rows[0].group.reason, "malformed request");
}

#[tokio::test]
async fn a_207_settles_item_by_item() {
    let sandbox = sandbox(Faults::default()).await;
    let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
    let mut items = some(10);
    // Past our own limits on purpose: the sandbox checks for itself.
    items[4] = bench::accepted(4, &event(&"x".repeat(151), 4));
    bench.send(items);
    let (told, _) = bench.finish().await;
    assert_eq!(labels(&told), ["207"]);
    let all = outcomes(&told);
    assert!(
        matches!(&all[4].1, ItemOutcome::Undelivered { why: Undelivered::Discarded, reason, field, message }
        if reason.contains("150 bytes") && message.contains("150 bytes") && field == "identifiers.id")
    );
    assert_eq!(sandbox.counts().events, 9);
}

/// An hour at a scale of 1 to 3,000: the outage lasts longer than any event may take, events
/// go on coming, and memory has room for a part of them only.
#[tokio::test]
async fn an_outage_costs_one_request_at_a_time_no_attempts_and_no_event() {
    let down = Faults {
        fail_share: 1.0,
        ..Faults::default()
    };
    let sandbox = sandbox(down).await;
    let mut settings = impatient(&sandbox.url());
    settings.delivery.give_up_after = Duration::from_millis(300);
    settings.delivery.first_probe = Duration::from_millis(10);
    settings.delivery.longest_probe = Duration::from_millis(100);
    settings.delivery.queue_bytes = 100_000;
    settings.delivery.requests_per_second = NonZeroU32::new(1_000).unwrap();
    let bench = Bench::new(&settings);
    let started = Instant::now();
    let mut sent = 0;
    while started.elapsed() < Duration::from_millis(1_200) {
        bench.send(
            (sent..sent + 100)
                .map(|n| bench::accepted(n, &event(&format!("u-{}", n % 70), n)))
                .collect(),
        );
        sent += 100;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let asked = sandbox.counts().requests;
    assert!(asked < 50, "{asked} requests in 1.2 s, a probe each 100 ms");
    until("all are durable", || bench.spooled() == sent).await;
    sandbox.set_faults(Faults::default());
    let (told, left) = bench.finish().await;
    assert!(
        all_delivered(&told, sent as usize),
        "{:?}",
        outcomes(&told)
            .iter()
            .find(|(_, s)| !matches!(s, ItemOutcome::Delivered { .. }))
    );
    assert_eq!((sandbox.counts().events, left), (sent, 0));
    for person in sandbox.people() {
        let numbers = numbers_of(&sandbox, &person);
        assert!(numbers.is_sorted(), "{person}: {numbers:?}");
    }
}

#[tokio::test]
async fn a_spool_at_its_quota_takes_nothing_more_until_something_is_delivered() {
    let sandbox = sandbox(Faults {
        fail_share: 1.0,
        ..Faults::default()
    })
    .await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.spool.quota_bytes = 100_000;
    let bench = Bench::new(&settings);
    for chunk in some(1_000).chunks(20) {
        bench.send(chunk.to_vec());
    }
    let published = bench.spool.published();
    until("it is full", || published.borrow().status.full).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let row = published.borrow().status.clone();
    assert!(row.full && row.is_nearly_full());
    assert!(row.bytes <= 100_000 && row.items < 1_000, "{row:?}");
    sandbox.set_faults(Faults::default());
    let (told, left) = bench.finish().await;
    assert!(all_delivered(&told, 1_000));
    assert_eq!((sandbox.counts().events, left), (1_000, 0));
    assert!(!published.borrow().status.full);
}
