//! A group of forwarders on a real nats-server: how the rate grows with members, and how long a partition is
//! left alone when one is killed.
//!
//! `cargo bench --bench group`. It needs `nats-server`. The sink answers after 200 ms and takes one request at
//! a time from each member, so that waiting is the limit, and not this machine's cores.
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that can't go on has failed"
)]
#![allow(missing_docs, reason = "it is a program")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/group/fixture.rs"]
mod fixture;
#[path = "../tests/common/program.rs"]
mod program;

use std::time::{Duration, Instant};

use bytestring::ByteString;
use common::{event, sandbox};
use fixture::{Bench, Member, NatsServer, arrived, group, shared};
use sluicegate::customerio::sandbox::{Faults, Sandbox};
use sluicegate::jetstream::Publisher;

/// Time of the sink, in milliseconds.
const LATENCY_MS: u64 = 200;
/// Time for which the rate is measured.
const MEASURED: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() {
    // What `cargo test` gives to a benchmark.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let slow = Faults {
        latency_ms: LATENCY_MS,
        ..Faults::default()
    };
    for members in [1, 2, 4, 8] {
        let nats = NatsServer::start();
        let publisher = group(&nats.url(), 1).await;
        let sandbox = sandbox(slow.clone()).await;
        let one_at_a_time = [
            ("SLUICEGATE_DELIVERY_IN_FLIGHT", "1"),
            ("SLUICEGATE_DELIVERY_BATCH_BYTES", "20000"),
        ];
        let _members: Vec<Member> = (0..members)
            .map(|_| Member::with(&nats.url(), &sandbox, &one_at_a_time))
            .collect();
        shared(publisher.connection(), members).await;
        // More than they can send meanwhile.
        fill(&publisher, 25_000 * members as u64).await;
        let rate = rate(&sandbox).await;
        println!("{members} members, a sink of {LATENCY_MS} ms: {rate:>8.0} events/s");
    }
    full_speed().await;
    takeover().await;
}

/// Publishes events of many people.
async fn fill(publisher: &Publisher, events: u64) {
    let texts: Vec<ByteString> = (0..events)
        .map(|n| event(&format!("u-{}", n % 5_000), n).into())
        .collect();
    for some in texts.chunks(1_000) {
        publisher.publish(some).await.unwrap();
    }
}

async fn rate(sandbox: &Sandbox) -> f64 {
    let (before, since) = (sandbox.counts().events, Instant::now());
    tokio::time::sleep(MEASURED).await;
    (sandbox.counts().events - before) as f64 / since.elapsed().as_secs_f64()
}

/// One member with a quick sink: from the stream to the last answer.
async fn full_speed() {
    const EVENTS: u64 = 200_000;
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = sandbox(Faults::default()).await;
    let since = Instant::now();
    fill(&publisher, EVENTS).await;
    let published_per_second = EVENTS as f64 / since.elapsed().as_secs_f64();
    let started = Instant::now();
    let _member = Member::start(&nats.url(), &sandbox);
    arrived(&sandbox, EVENTS).await;
    let rate = EVENTS as f64 / started.elapsed().as_secs_f64();
    println!(
        "published by one publisher: {published_per_second:.0} events/s; one member at full speed: {rate:.0} events/s"
    );
}

/// The longest time without an arrival after one of two members was killed.
async fn takeover() {
    let mut bench = Bench::start(2, Faults::default()).await;
    let since = Instant::now();
    bench.members.remove(0).kill();
    bench.shared().await;
    println!(
        "taken over {:.1} s after a kill, with leases of {:.0} s",
        since.elapsed().as_secs_f64(),
        fixture::LEASE.as_secs_f64()
    );
}
