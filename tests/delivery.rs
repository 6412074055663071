//! Delivery against the sandbox, over real HTTP, on a real spool: batches, order, restarts,
//! dead letters. What goes wrong has a file of its own, `faults.rs`.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/bench.rs"]
mod bench;
mod common;

use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, accepted, all_delivered, labels, outcomes, some, with};
use common::{event, numbers_of, sandbox, settings, until};
use sluicegate::customerio::sandbox::{Fault, Faults, Sandbox};
use sluicegate::delivery::spool::Spool;
use sluicegate::delivery::spool::dead_letters::{
    DeadLetter, DeadLetterGroup, DeadLetterSelection, DeadLetters,
};
use sluicegate::delivery::{Accepted, DeliveryReport, ItemOutcome, Undelivered};
use sluicegate::filter::Mode;

async fn deliver(sandbox: &Sandbox, items: Vec<Accepted>) -> (Vec<DeliveryReport>, u64) {
    let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
    bench.send(items);
    bench.finish().await
}

#[tokio::test]
async fn events_are_delivered_in_one_batch_and_a_person_is_created() {
    let sandbox = sandbox(Faults::default()).await;
    let (told, left) = deliver(&sandbox, some(100)).await;
    assert!(all_delivered(&told, 100) && left == 0);
    let counts = sandbox.counts();
    assert_eq!((counts.events, counts.people, counts.requests), (100, 7, 1));
    assert_eq!(sandbox.events_of("u-3")[0].attributes["number"], 3);
}

#[tokio::test]
async fn a_large_event_goes_by_v1_between_its_neighbours() {
    let sandbox = sandbox(Faults::default()).await;
    let large = event("u/ü 1", 1).replace(
        r#""number":1"#,
        &format!(r#""number":1,"text":"{}""#, "y".repeat(60_000)),
    );
    let items = vec![
        accepted(0, &event("u/ü 1", 0)),
        accepted(1, &large),
        accepted(2, &event("u/ü 1", 2)),
    ];
    let (told, _) = deliver(&sandbox, items).await;
    assert!(all_delivered(&told, 3));
    assert_eq!(numbers_of(&sandbox, "u/ü 1"), [0, 1, 2]);
    assert_eq!(told.len(), 3, "three requests: batch, v1, batch");
}

#[tokio::test]
async fn the_order_of_each_person_survives_failures() {
    let faults = Faults {
        fail_share: 0.2,
        hang_up_share: 0.1,
        throttle_share: 0.1,
        retry_after: Some("0".to_owned()),
        ..Faults::default()
    };
    let sandbox = sandbox(faults).await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.batch_bytes = 40_000;
    settings.delivery.attempts = 100;
    settings.delivery.requests_per_second = std::num::NonZeroU32::new(10_000).unwrap();
    let bench = Bench::new(&settings);
    for chunk in some(3_000).chunks(50) {
        bench.send(chunk.to_vec());
    }
    let (told, _) = bench.finish().await;
    assert!(all_delivered(&told, 3_000));
    assert_eq!(sandbox.counts().events, 3_000);
    for person in sandbox.people() {
        let numbers = numbers_of(&sandbox, &person);
        assert!(numbers.is_sorted(), "{person}: {numbers:?}");
    }
}

#[tokio::test]
async fn what_memory_has_no_room_for_is_read_back_in_order() {
    let sandbox = sandbox(Faults {
        latency_ms: 5,
        ..Faults::default()
    })
    .await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.queue_bytes = 20_000;
    settings.delivery.requests_per_second = std::num::NonZeroU32::new(1_000).unwrap();
    let bench = Bench::new(&settings);
    for chunk in some(5_000).chunks(100) {
        bench.send(chunk.to_vec());
    }
    let (told, left) = bench.finish().await;
    assert!(all_delivered(&told, 5_000) && left == 0);
    for person in sandbox.people() {
        let numbers = numbers_of(&sandbox, &person);
        assert!(numbers.is_sorted() && numbers.len() > 700, "{person}");
    }
    assert_eq!(sandbox.counts().duplicates, 0);
}

#[tokio::test]
async fn a_gate_that_is_not_open_holds_the_spool_and_lets_it_go() {
    let sandbox = sandbox(Faults::default()).await;
    let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
    bench.gate.set_mode(Mode::Shut);
    bench.send(some(30));
    until("they are durable", || bench.spooled() == 30).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(bench.status.borrow().gate_shut);
    assert_eq!(sandbox.counts().requests, 0);
    // To end now is to leave them where they are, at once.
    let folder = bench.folder.clone();
    let (told, left) = bench.finish().await;
    assert_eq!((told.len(), left), (0, 30));
    let bench = Bench::on(folder, &settings("ws://unused", &sandbox.url()));
    let (told, left) = bench.finish().await;
    assert!(all_delivered(&told, 30) || outcomes(&told).len() == 30);
    assert_eq!((sandbox.counts().events, left), (30, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_item_leaves_after_shut_has_returned() {
    let sandbox = sandbox(Faults::default()).await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.batch_bytes = 2_000;
    let bench = Bench::new(&settings);
    bench.send(some(5_000));
    until("some have arrived", || sandbox.counts().events > 100).await;
    bench.gate.set_mode(Mode::Shut);
    let at_return = sandbox.counts().requests;
    until("requests that had begun are answered", || {
        let status = bench.status.borrow();
        status.gate_shut && status.in_flight == 0
    })
    .await;
    let counts = sandbox.counts();
    let in_flight = settings.delivery.in_flight as u64;
    assert!(counts.requests - at_return <= in_flight, "{counts:?}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sandbox.counts().requests, counts.requests);
    let (told, left) = bench.finish().await;
    assert_eq!(outcomes(&told).len() as u64 + left, 5_000);
    assert!(left > 0, "all had left");
}

#[tokio::test]
async fn attempts_are_kept_through_a_restart_and_used_up_after_it() {
    let sandbox = sandbox(with([Fault::Status(500); 3])).await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.attempts = 3;
    let bench = Bench::new(&settings);
    bench.send(vec![accepted(1, &event("u", 1))]);
    until("two attempts have failed", || {
        sandbox.counts().requests == 2
    })
    .await;
    until("the second is written down", || {
        bench.status.borrow().retrying == 1 && bench.status.borrow().in_flight == 0
    })
    .await;
    let (told, folder) = bench.give_up().await;
    assert_eq!(labels(&told), ["500", "500"]);
    let bench = Bench::on(folder.clone(), &settings);
    let (told, left) = bench.finish().await;
    assert_eq!((labels(&told), left), (vec!["500"], 0));
    assert!(
        matches!(&told[0].outcomes[0].1, ItemOutcome::Undelivered { why: Undelivered::Expired, reason, .. }
            if reason.starts_with("all 3 attempts failed")),
        "{told:?}"
    );
    assert_eq!(
        told[0].outcomes[0].0.accepted.sequence, 0,
        "its event was another run's"
    );
}

#[tokio::test]
async fn the_failures_of_an_outage_are_no_attempts_after_a_restart_either() {
    let sandbox = sandbox(Faults {
        fail_share: 1.0,
        ..Faults::default()
    })
    .await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.breaker_failures = 3;
    settings.delivery.in_flight = 1;
    settings.delivery.batch_bytes = 32_100;
    let bench = Bench::new(&settings);
    bench.send(some(7));
    until("it is known to be down", || {
        bench.status.borrow().breaker.why().is_some()
    })
    .await;
    let (_, folder) = bench.give_up().await;
    sandbox.set_faults(Faults::default());
    let bench = Bench::on(folder, &settings);
    let (told, left) = bench.finish().await;
    assert_eq!(left, 0);
    let histories = told
        .iter()
        .flat_map(|a| &a.outcomes)
        .map(|(q, _)| q.history);
    for history in histories {
        assert_eq!(history.failures, 0, "{history:?}");
        assert!(
            history.requests > 1 && history.first_ms.is_some(),
            "{history:?}"
        );
    }
}

#[tokio::test]
async fn a_retry_that_is_not_due_waits_after_a_restart_and_holds_its_person_only() {
    let sandbox = sandbox(with([Fault::Status(500)])).await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.first_delay = Duration::from_secs(2);
    settings.delivery.longest_delay = Duration::from_secs(2);
    let bench = Bench::new(&settings);
    bench.send((0..3).map(|n| accepted(n, &event("held", n))).collect());
    until("it waits", || bench.status.borrow().retrying == 3).await;
    let (_, folder) = bench.give_up().await;
    let bench = Bench::on(folder, &settings);
    bench.send(vec![
        accepted(9, &event("held", 9)),
        accepted(10, &event("other", 10)),
    ]);
    until("the other one arrives", || {
        numbers_of(&sandbox, "other") == [10]
    })
    .await;
    assert!(numbers_of(&sandbox, "held").is_empty());
    let (told, left) = bench.finish().await;
    assert_eq!((outcomes(&told).len(), left), (5, 0));
    assert_eq!(numbers_of(&sandbox, "held"), [0, 1, 2, 9]);
}

#[tokio::test]
async fn a_retry_that_is_not_due_overtakes_nothing_of_its_person_after_a_restart() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut spool = Spool::open(folder.path()).unwrap();
    spool.append((0..4).map(|n| accepted(n, &event("u", n))));
    let items = spool.commit(0, true).unwrap().items;
    // As an outage leaves it: the failures before it were excused and are due at once, the one
    // that showed it is not.
    let not_due = sluicegate::amplitude::time::now() + 150;
    spool.reschedule([(items[2].position, items[2].history)], not_due);
    spool.commit(0, true).unwrap();
    drop(spool);
    let sandbox = sandbox(Faults::default()).await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.batch_age = Duration::from_millis(600);
    let bench = Bench::on(folder, &settings);
    until("all arrive", || sandbox.counts().events == 4).await;
    assert_eq!(numbers_of(&sandbox, "u"), [0, 1, 2, 3]);
    assert_eq!(bench.finish().await.1, 0);
}

/// Reads and exports the three dead letters of a group. Returns them, the newest first.
fn page_and_export(letters: &DeadLetters, group: &DeadLetterGroup) -> Vec<DeadLetter> {
    let page = letters
        .page(&DeadLetterSelection::Group(group.clone()), 0, 10)
        .unwrap();
    assert_eq!((page.len(), page[0].person()), (3, "u".to_owned()));
    let json = page[0].to_json();
    assert_eq!(
        (&json["answer"], &json["requests"]),
        (&"207".into(), &1.into())
    );
    assert_eq!(json["request"]["batch"][0]["attributes"]["number"], 4);
    let mut exported = Vec::new();
    assert_eq!(
        letters
            .export(&DeadLetterSelection::All, &mut exported)
            .unwrap(),
        3
    );
    assert_eq!(
        exported
            .split(|b| *b == b'\n')
            .filter(|l| !l.is_empty())
            .count(),
        3
    );
    page
}

#[tokio::test]
async fn dead_letters_are_listed_tried_again_and_discarded_while_events_flow() {
    let sandbox = sandbox(Faults {
        refuse: Some("\"person\":\"bad\"".to_owned()),
        ..Faults::default()
    })
    .await;
    let bad = |n: u64| event("u", n).replace("\"number\"", "\"person\":\"bad\",\"number\"");
    let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
    bench.send(vec![
        accepted(1, &bad(1)),
        accepted(2, &event("u", 2)),
        accepted(3, &bad(3)),
        accepted(4, &bad(4)),
    ]);
    let published = bench.spool.published();
    let letters = DeadLetters::open(bench.folder.path()).unwrap().unwrap();
    until("three are dead letters", || {
        letters.count(&DeadLetterSelection::All).unwrap() == 3
    })
    .await;
    assert_eq!(numbers_of(&sandbox, "u"), [2], "the others are not held up");

    let row = letters.rows().unwrap().remove(0);
    assert_eq!(row.count, 3);
    assert_eq!(
        row.group.reason,
        "invalid: the workspace takes no such value"
    );
    assert_eq!(
        (row.group.field.as_str(), row.group.event_type.as_str()),
        ("attributes", "Step")
    );
    let page = page_and_export(&letters, &row.group);

    assert_eq!(
        letters
            .discard(&DeadLetterSelection::One(page[2].number))
            .unwrap(),
        1
    );
    sandbox.set_faults(Faults::default());
    assert_eq!(
        letters
            .retry(&DeadLetterSelection::Reason(row.group.reason))
            .unwrap(),
        2
    );
    assert_eq!(
        letters.retry(&DeadLetterSelection::All).unwrap(),
        0,
        "they are marked already"
    );
    until("they arrive", || sandbox.counts().events == 3).await;
    until("none is left", || {
        published.borrow().status.dead_letters == 0
    })
    .await;
    assert_eq!(numbers_of(&sandbox, "u"), [2, 3, 4]);
    let (_, left) = bench.finish().await;
    assert_eq!((left, letters.rows().unwrap().len()), (0, 0));
}
