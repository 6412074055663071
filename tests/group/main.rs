//! Forwarders that share a stream: every event is settled, none is lost, each arrives once by its id, and
//! each person's events arrive in order, whatever happens to members and servers.
//!
//! They need a real nats-server, which `.ci/nats` installs.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;
mod fixture;
#[path = "../common/program.rs"]
mod program;

mod commands;
mod failures;
mod steering;

use std::time::Duration;

use common::{event, sandbox};
use fixture::{Member, NatsServer, arrived, group, in_order, publish, shared};
use program::{Serving, post, sluicegate};
use sluicegate::customerio::sandbox::Faults;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn events_through_a_relay_reach_customerio_from_two_members_once_and_in_order() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = sandbox(Faults::default()).await;
    let (one, two) = (
        Member::start(&nats.url(), &sandbox),
        Member::start(&nats.url(), &sandbox),
    );
    shared(publisher.connection(), 2).await;
    let relay = Serving::start(sluicegate().args([
        "relay",
        "--headless",
        "--listen",
        "127.0.0.1:0",
        "--to",
        &nats.url(),
    ]));
    let url = format!("{}/webhook", relay.url);
    for batch in 0..20 {
        let events = (0..50).map(|n| event(&format!("u-{}", n % 10), batch * 50 + n));
        let body: Vec<String> = events.collect();
        let answer = tokio::task::block_in_place(|| post(&url, &body.join("\n")));
        assert_eq!(answer["events_ingested"], 50);
    }
    arrived(&sandbox, 1_000).await;
    in_order(&sandbox, 1_000, 10);
    for member in [one, two] {
        assert_eq!(member.end().await.code(), Some(0));
    }
    let status = sluicegate::jetstream::status(publisher.connection())
        .await
        .unwrap();
    assert_eq!(
        status.members,
        [],
        "members that end take their entries with them"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn members_that_come_and_go_leave_no_gap_and_no_event_behind() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = fixture::failing_sandbox(0.1).await;
    let mut members = vec![Member::start(&nats.url(), &sandbox)];
    shared(publisher.connection(), 1).await;
    let publishing = publish(&publisher, 0..4_000, 20);
    for _ in 0..3 {
        members.push(Member::start(&nats.url(), &sandbox));
        shared(publisher.connection(), 2).await;
        assert_eq!(members.remove(0).end().await.code(), Some(0));
        shared(publisher.connection(), 1).await;
    }
    publishing.await.unwrap();
    arrived(&sandbox, 4_000).await;
    in_order(&sandbox, 4_000, 20);
    // What is settled is removed from the stream.
    let started = std::time::Instant::now();
    while sluicegate::jetstream::status(publisher.connection())
        .await
        .unwrap()
        .events
        > 0
    {
        assert!(started.elapsed() < Duration::from_secs(20), "events stay");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
