//! Forwarders that share a stream: every event is settled, none is lost, each arrives once by its id, and
//! each person's events arrive in order, whatever happens to members and servers.
//!
//! They need a real nats-server, which `.ci/nats` installs.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;
mod fixture;
mod line;
#[path = "../common/program.rs"]
mod program;
#[path = "../terminal/pty.rs"]
mod pty;

mod commands;
mod failures;
mod screen;
mod security;
mod steering;

use std::time::{Duration, Instant};

use common::event;
use fixture::{Bench, failing, publish, relay};
use program::post;
use sluicegate::customerio::sandbox::Faults;
use sluicegate::jetstream::status;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn events_through_a_relay_reach_customerio_from_two_members_once_and_in_order() {
    let mut bench = Bench::start(2, Faults::default()).await;
    let relay = relay(&bench.nats.url(), &[]);
    let url = format!("{}/webhook", relay.url);
    for batch in 0..20 {
        let events = (0..50).map(|n| event(&format!("u-{}", n % 10), batch * 50 + n));
        let body: Vec<String> = events.collect();
        let answer = tokio::task::block_in_place(|| post(&url, &body.join("\n")));
        assert_eq!(answer["events_ingested"], 50);
    }
    bench.complete(1_000, 10).await;
    for member in bench.members.drain(..) {
        assert_eq!(member.end().await.code(), Some(0));
    }
    let status = status(bench.publisher.connection()).await.unwrap();
    assert_eq!(
        status.members,
        [],
        "members that end take their entries with them"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn members_that_come_and_go_leave_no_gap_and_no_event_behind() {
    let mut bench = Bench::start(1, failing(0.1)).await;
    let publishing = publish(&bench.publisher, 0..4_000, 20);
    for _ in 0..3 {
        bench.add_member();
        bench.shared().await;
        assert_eq!(bench.members.remove(0).end().await.code(), Some(0));
        bench.shared().await;
    }
    publishing.await.unwrap();
    bench.complete(4_000, 20).await;
    // What is settled is removed from the stream.
    let connection = bench.publisher.connection();
    let started = Instant::now();
    while status(connection).await.unwrap().events > 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "events stay");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
