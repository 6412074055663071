//! Delivery against the sandbox, over real HTTP: every kind of answer, and what becomes of
//! the events because of it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/bench.rs"]
mod bench;
mod common;

use std::time::Duration;

use bench::{Bench, accepted, all_delivered, labels, outcomes, some, with};
use common::{event, sandbox, settings};
use sluicegate::customerio::sandbox::{Fault, Faults, Sandbox};
use sluicegate::delivery::{Accepted, Answered, Settled, Undelivered};

async fn deliver(sandbox: &Sandbox, items: Vec<Accepted>) -> (Vec<Answered>, u64) {
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
    let numbers: Vec<_> = sandbox
        .events_of("u/ü 1")
        .iter()
        .map(|e| e.attributes["number"].clone())
        .collect();
    assert_eq!(numbers, [0, 1, 2]);
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
        let numbers: Vec<u64> = sandbox
            .events_of(&person)
            .iter()
            .filter_map(|e| e.attributes["number"].as_u64())
            .collect();
        assert!(numbers.is_sorted(), "{person}: {numbers:?}");
    }
}
