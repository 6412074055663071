//! What goes wrong: members that are killed, stopped and cut off, and servers that restart.

use std::time::Duration;

use rand::RngExt as _;
use sluicegate::customerio::sandbox::Faults;

use crate::fixture::{
    LEASE, Line, LineState, Member, NatsServer, arrived, failing_sandbox, group, in_order, publish,
    shared,
};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn members_that_are_killed_at_random_lose_and_reorder_nothing() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = failing_sandbox(0.2).await;
    let mut members: Vec<Member> = (0..3)
        .map(|_| Member::start(&nats.url(), &sandbox))
        .collect();
    shared(publisher.connection(), 3).await;
    let publishing = publish(&publisher, 0..12_000, 30);
    for _ in 0..20 {
        let wait = rand::rng().random_range(50..900);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let victim = rand::rng().random_range(0..members.len());
        members.swap_remove(victim).kill();
        members.push(Member::start(&nats.url(), &sandbox));
    }
    publishing.await.unwrap();
    arrived(&sandbox, 12_000).await;
    in_order(&sandbox, 12_000, 30);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_member_that_was_stopped_for_longer_than_its_lease_sends_nothing_old() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = failing_sandbox(0.2).await;
    let members = [
        Member::start(&nats.url(), &sandbox),
        Member::start(&nats.url(), &sandbox),
    ];
    shared(publisher.connection(), 2).await;
    let publishing = publish(&publisher, 0..6_000, 30);
    for round in 0..4 {
        let stopped = &members[round % 2];
        tokio::time::sleep(Duration::from_millis(200)).await;
        stopped.signal("STOP");
        tokio::time::sleep(LEASE * 2).await;
        stopped.signal("CONT");
        shared(publisher.connection(), 2).await;
    }
    publishing.await.unwrap();
    arrived(&sandbox, 6_000).await;
    in_order(&sandbox, 6_000, 30);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_member_that_is_cut_off_from_nats_stops_in_time_and_comes_back() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = failing_sandbox(0.2).await;
    let line = Line::to(nats.place()).await;
    let behind = format!("nats://{}/shop", line.place);
    let _cut_off = Member::start(&behind, &sandbox);
    let _other = Member::start(&nats.url(), &sandbox);
    shared(publisher.connection(), 2).await;
    let publishing = publish(&publisher, 0..5_000, 30);
    for state in [LineState::Silent, LineState::Cut] {
        tokio::time::sleep(Duration::from_millis(300)).await;
        line.set(state);
        tokio::time::sleep(LEASE * 2).await;
        line.set(LineState::Works);
        shared(publisher.connection(), 2).await;
    }
    publishing.await.unwrap();
    arrived(&sandbox, 5_000).await;
    in_order(&sandbox, 5_000, 30);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_server_that_restarts_loses_nothing() {
    let mut nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = failing_sandbox(0.1).await;
    let _members = [
        Member::start(&nats.url(), &sandbox),
        Member::start(&nats.url(), &sandbox),
    ];
    shared(publisher.connection(), 2).await;
    let publishing = publish(&publisher, 0..3_000, 30);
    for pause in [0, 1, 5] {
        tokio::time::sleep(Duration::from_millis(500)).await;
        nats.kill();
        tokio::time::sleep(Duration::from_secs(pause)).await;
        nats.start_again();
    }
    publishing.await.unwrap();
    arrived(&sandbox, 3_000).await;
    in_order(&sandbox, 3_000, 30);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_cluster_goes_on_without_one_of_its_three_servers() {
    let mut cluster = NatsServer::cluster();
    let publisher = group(&cluster[0].url(), 3).await;
    let sandbox = failing_sandbox(0.1).await;
    let _members = [
        Member::start(&cluster[1].url(), &sandbox),
        Member::start(&cluster[2].url(), &sandbox),
    ];
    shared(publisher.connection(), 2).await;
    let publishing = publish(&publisher, 0..3_000, 30);
    for victim in [1, 2] {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster[victim].kill();
        tokio::time::sleep(Duration::from_secs(4)).await;
        cluster[victim].start_again();
        // One of three may be missing at a time.
        shared(publisher.connection(), 2).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    publishing.await.unwrap();
    arrived(&sandbox, 3_000).await;
    in_order(&sandbox, 3_000, 30);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn members_without_room_lose_nothing_when_their_line_is_cut() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = crate::common::sandbox(Faults {
        latency_ms: 40,
        fail_share: 0.1,
        ..Faults::default()
    })
    .await;
    let line = Line::to(nats.place()).await;
    let behind = format!("nats://{}/shop", line.place);
    // A few events fill it, so that frames wait while the connection is made again.
    let little_room = [
        ("SLUICEGATE_DELIVERY_QUEUE_BYTES", "5000"),
        ("SLUICEGATE_DELIVERY_IN_FLIGHT", "2"),
        ("SLUICEGATE_DELIVERY_BATCH_BYTES", "3000"),
    ];
    let _members = [
        Member::with(&behind, &sandbox, &little_room),
        Member::with(&nats.url(), &sandbox, &little_room),
    ];
    shared(publisher.connection(), 2).await;
    let publishing = publish(&publisher, 0..2_000, 30);
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        line.set(LineState::Cut);
        tokio::time::sleep(Duration::from_millis(100)).await;
        line.set(LineState::Works);
    }
    publishing.await.unwrap();
    arrived(&sandbox, 2_000).await;
    in_order(&sandbox, 2_000, 30);
}
