//! A group of forwarders on a real nats-server: how the rate grows with members, what an event costs beside
//! one in a spool, and how long events wait when members come, go, and are killed.
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
use common::{event, numbers_of, sandbox};
use fixture::{Bench, Member, NatsServer, arrived, group, shared};
use program::{Serving, sluicegate};
use sluicegate::customerio::sandbox::{Faults, Sandbox};
use sluicegate::jetstream::Publisher;
use tempfile::TempDir;

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

/// One member with a quick sink, from the stream to the last answer; and the same events through a feed
/// and a spool.
async fn full_speed() {
    const EVENTS: u64 = 200_000;
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sink = sandbox(Faults::default()).await;
    let since = Instant::now();
    fill(&publisher, EVENTS).await;
    let published_per_second = EVENTS as f64 / since.elapsed().as_secs_f64();
    println!("published by one publisher: {published_per_second:.0} events/s");
    let server_before = cpu_seconds(nats.pid());
    let started = Instant::now();
    let member = Member::start(&nats.url(), &sink);
    arrived(&sink, EVENTS).await;
    let rate = EVENTS as f64 / started.elapsed().as_secs_f64();
    let million = EVENTS as f64 / 1e6;
    println!(
        "one member on a stream: {rate:.0} events/s; CPU s a million events: {:.1}, and {:.1} of the server",
        cpu_seconds(member.pid()) / million,
        (cpu_seconds(nats.pid()) - server_before) / million,
    );
    drop(member);
    on_a_spool(EVENTS).await;
}

/// The same events from a file, through a feed, with a spool.
async fn on_a_spool(events: u64) {
    let folder = TempDir::with_prefix_in("spool-", env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join("events.ndjson");
    let lines = (0..events).map(|n| event(&format!("u-{}", n % 5_000), n) + "\n");
    std::fs::write(&file, lines.collect::<String>()).unwrap();
    let mut feed = sluicegate();
    feed.args(["replay", "--listen", "127.0.0.1:0", "--speed", "max"]);
    let feed = Serving::start(feed.arg(&file));
    let sink = sandbox(Faults::default()).await;
    let folder = folder.path().join("spool");
    let folder = folder.to_str().unwrap();
    let started = Instant::now();
    let settings = [("SLUICEGATE_SPOOL_FOLDER", folder)];
    let forwarder = Member::with(&feed.url, &sink, &settings);
    arrived(&sink, events).await;
    let rate = events as f64 / started.elapsed().as_secs_f64();
    let cost = cpu_seconds(forwarder.pid()) / (events as f64 / 1e6);
    println!("one forwarder on a spool: {rate:.0} events/s; CPU s a million events: {cost:.1}");
}

/// CPU seconds that a process has used so far.
fn cpu_seconds(pid: u32) -> f64 {
    /// Ticks of the system's clock in a second, which Linux fixes for programs.
    const TICKS: f64 = 100.0;
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may have spaces.
    let fields = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let used = fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok());
    used.sum::<f64>() / TICKS
}

/// The longest time from the publication of an event until it has arrived, while something happens to
/// members.
async fn longest_wait(bench: &mut Bench, happen: impl AsyncFnOnce(&mut Bench)) -> Duration {
    /// People, of whom each partition has some.
    const PEOPLE: usize = 64;
    let (told, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let publisher = bench.publisher.clone();
    // Each measurement has people of its own.
    let group = bench.sandbox.counts().events;
    let name = move |person: usize| format!("u-{group}-{person}");
    let stop = tokio_util::sync::CancellationToken::new();
    let stopped = stop.clone();
    let publishing = tokio::spawn(async move {
        for number in 0.. {
            if stopped.is_cancelled() {
                break;
            }
            let person = number as usize % PEOPLE;
            let text = ByteString::from(event(&name(person), group + number));
            publisher.publish(&[text]).await.unwrap();
            told.send((person, Instant::now())).unwrap();
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    });
    let sandbox = bench.sandbox.clone();
    let waiting = tokio::spawn(async move {
        let (mut counts, mut longest) = ([0; PEOPLE], Duration::ZERO);
        while let Some((person, at)) = sent.recv().await {
            counts[person] += 1;
            while numbers_of(&sandbox, &name(person)).len() < counts[person] {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            longest = longest.max(at.elapsed());
        }
        longest
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    happen(bench).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.cancel();
    publishing.await.unwrap();
    waiting.await.unwrap()
}

/// How long events wait while all members are replaced one by one, and when one is killed.
async fn takeover() {
    let mut bench = Bench::start(3, Faults::default()).await;
    let replaced = longest_wait(&mut bench, async |bench: &mut Bench| {
        for _ in 0..3 {
            bench.add_member();
            bench.shared().await;
            bench.members.remove(0).end().await;
            bench.shared().await;
        }
    });
    let replaced = replaced.await;
    let killed = longest_wait(&mut bench, async |bench: &mut Bench| {
        bench.members.remove(0).kill();
        bench.shared().await;
    });
    println!(
        "no event waits longer than {:.2} s while three members are replaced one by one, and {:.1} s when \
         one is killed, with leases of {:.0} s",
        replaced.as_secs_f64(),
        killed.await.as_secs_f64(),
        fixture::LEASE.as_secs_f64()
    );
}
