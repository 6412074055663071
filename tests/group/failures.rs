//! What goes wrong: members that are killed, stopped and cut off, and servers that restart.

use std::time::Duration;

use rand::RngExt as _;
use sluicegate::customerio::sandbox::Faults;

use crate::common::{sandbox, until};
use crate::fixture::{
    Bench, LEASE, Member, NatsServer, arrived, failing, group, in_order, publish, shared, status,
};
use crate::line::{Line, LineState};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn members_that_are_killed_at_random_lose_and_reorder_nothing() {
    let mut bench = Bench::start(3, failing(0.2)).await;
    let publishing = publish(&bench.publisher, 0..12_000, 30);
    for _ in 0..20 {
        let wait = rand::rng().random_range(50..900);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let victim = rand::rng().random_range(0..bench.members.len());
        bench.members.swap_remove(victim).kill();
        bench.add_member();
    }
    publishing.await.unwrap();
    bench.complete(12_000, 30).await;
}

/// A nats-server 2.9 takes what a consumer has delivered for acknowledged once settled messages are removed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn events_that_wait_at_a_killed_member_are_sent_by_the_next_one() {
    let mut bench = Bench::start(1, Faults::default()).await;
    publish(&bench.publisher, 0..300, 30).await.unwrap();
    arrived(&bench.sandbox, 300).await;
    bench.sandbox.set_faults(failing(0.9));
    publish(&bench.publisher, 300..900, 30).await.unwrap();
    // Leases are renewed, what is settled is removed, and a few more are.
    tokio::time::sleep(LEASE).await;
    bench.members.remove(0).kill();
    bench.sandbox.set_faults(Faults::default());
    bench.add_member();
    bench.complete(900, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_member_that_was_stopped_for_longer_than_its_lease_sends_nothing_old() {
    let bench = Bench::start(2, failing(0.2)).await;
    let publishing = publish(&bench.publisher, 0..6_000, 30);
    for round in 0..4 {
        let stopped = &bench.members[round % 2];
        tokio::time::sleep(Duration::from_millis(200)).await;
        stopped.signal("STOP");
        tokio::time::sleep(LEASE * 2).await;
        stopped.signal("CONT");
        bench.shared().await;
    }
    publishing.await.unwrap();
    bench.complete(6_000, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_member_that_is_cut_off_from_nats_stops_in_time_and_comes_back() {
    let mut bench = Bench::start(1, failing(0.2)).await;
    let line = Line::to(bench.nats.place()).await;
    let behind = format!("nats://{}/shop", line.place);
    bench.members.push(Member::start(&behind, &bench.sandbox));
    bench.shared().await;
    let publishing = publish(&bench.publisher, 0..5_000, 30);
    for state in [LineState::Silent, LineState::Cut] {
        tokio::time::sleep(Duration::from_millis(300)).await;
        line.set(state);
        tokio::time::sleep(LEASE * 2).await;
        line.set(LineState::Works);
        bench.shared().await;
    }
    publishing.await.unwrap();
    bench.complete(5_000, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_server_that_restarts_loses_nothing() {
    let mut bench = Bench::start(2, failing(0.1)).await;
    let publishing = publish(&bench.publisher, 0..3_000, 30);
    for pause in [0, 1, 5] {
        tokio::time::sleep(Duration::from_millis(500)).await;
        bench.nats.kill();
        tokio::time::sleep(Duration::from_secs(pause)).await;
        bench.nats.start_again();
    }
    publishing.await.unwrap();
    bench.complete(3_000, 30).await;
}

/// A server that is killed forgets the numbers of a stream without messages, and counts from 1 again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn what_comes_after_a_kill_of_the_server_is_delivered_when_nothing_waited() {
    let mut bench = Bench::start(2, Faults::default()).await;
    for round in 0..3 {
        let (from, to) = (round * 100, (round + 1) * 100);
        publish(&bench.publisher, from..to, 30).await.unwrap();
        arrived(&bench.sandbox, to).await;
        // Everything is settled, and removed.
        let url = bench.nats.url();
        until("nothing waits", || status(&url)["events"] == 0).await;
        bench.nats.kill();
        bench.nats.start_again();
        bench.shared().await;
    }
    bench.complete(300, 30).await;
}

/// A stream that an operator has removed and made again begins with message 1, too.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_stream_that_was_made_again_is_read_from_its_beginning() {
    let bench = Bench::start(1, Faults::default()).await;
    publish(&bench.publisher, 0..100, 10).await.unwrap();
    arrived(&bench.sandbox, 100).await;
    let client = async_nats::connect(bench.nats.place().to_string())
        .await
        .unwrap();
    let context = async_nats::jetstream::new(client);
    context.delete_stream("shop-events").await.unwrap();
    let again = crate::fixture::group(&bench.nats.url(), 1).await;
    publish(&again, 100..150, 10).await.unwrap();
    bench.complete(150, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_cluster_goes_on_without_one_of_its_three_servers() {
    let mut cluster = NatsServer::cluster();
    let publisher = group(&cluster[0].url(), 3).await;
    let sandbox = sandbox(failing(0.1)).await;
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
    let sandbox = sandbox(Faults {
        latency_ms: 40,
        ..failing(0.1)
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
