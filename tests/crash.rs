//! The program as a process that is killed, started twice and reloaded: every accepted event arrives
//! once, and each person's events arrive in order.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

mod common;
#[path = "common/forwarder.rs"]
mod forwarder;
#[path = "common/program.rs"]
mod program;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{event, feed, sandbox, until};
use forwarder::{each_persons_in_order, ended, forwarder, said};
use program::{signal, sluicegate, summary};
use rand::RngExt as _;
use serde_json::Value;
use sluicegate::customerio::sandbox::{Faults, Sandbox};
use sluicegate::feed::server::Server;

fn publish(feed: &Server, events: u64, people: u64, each_ms: u64) -> tokio::task::JoinHandle<()> {
    let feed = feed.clone();
    tokio::spawn(async move {
        for number in 0..events {
            feed.publish(&event(&format!("u-{}", number % people), number))
                .await;
            if each_ms > 0 && number % each_ms == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    })
}

/// A forwarder that is started and killed again and again.
struct KilledRuns<'t> {
    feed: &'t Server,
    sandbox: &'t Sandbox,
    spool: &'t Path,
    more: &'t [(&'t str, &'t str)],
}

impl KilledRuns<'_> {
    /// Runs it twenty times, each for a random time. Returns the events delivered after each run.
    async fn run(&self, faults: &Faults) -> Vec<u64> {
        let mut reached = Vec::new();
        for round in 0..20 {
            // Every fourth time it is killed during an outage: then items that failed before the outage
            // was detected are due at another time than those that failed because of it.
            let fail_share = if round % 4 == 3 {
                1.0
            } else {
                faults.fail_share
            };
            self.sandbox.set_faults(Faults {
                fail_share,
                ..faults.clone()
            });
            let mut child = forwarder(&self.feed.url(), &self.sandbox.url(), self.spool, self.more)
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            if reached.is_empty() {
                // Before the first commit there is no message to resume from, and a feed starts with
                // new messages.
                until("something arrives", || self.sandbox.counts().events > 0).await;
            }
            let wait = rand::rng().random_range(40..400);
            tokio::time::sleep(Duration::from_millis(wait)).await;
            child.kill().unwrap();
            child.wait().unwrap();
            reached.push(self.sandbox.counts().events);
        }
        reached
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_twenty_random_moments_every_event_arrives_once_and_in_order() {
    const EVENTS: u64 = 50_000;
    const PEOPLE: u64 = 41;
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults {
        fail_share: 0.05,
        hang_up_share: 0.05,
        throttle_share: 0.02,
        retry_after: Some("0".to_owned()),
        ..Faults::default()
    };
    let (feed, sandbox) = (feed().await, sandbox(faults.clone()).await);
    let publishing = publish(&feed, EVENTS, PEOPLE, 8);
    let more = [
        ("SLUICEGATE_DELIVERY_REQUESTS_PER_SECOND", "1000"),
        ("SLUICEGATE_DELIVERY_BATCH_BYTES", "60000"),
        ("SLUICEGATE_DELIVERY_ATTEMPTS", "1000"),
    ];
    let killed = KilledRuns {
        feed: &feed,
        sandbox: &sandbox,
        spool: dir.path(),
        more: &more,
    };
    let reached = killed.run(&faults).await;
    assert!(
        reached[0] < EVENTS && reached.windows(2).filter(|w| w[1] > w[0]).count() > 5,
        "{reached:?}"
    );
    sandbox.set_faults(faults);
    let last = forwarder(&feed.url(), &sandbox.url(), dir.path(), &more)
        .args(["--exit-when-idle", "1s"])
        .spawn()
        .unwrap();
    let output = ended(last).await;
    publishing.await.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let counts = sandbox.counts();
    assert_eq!(
        counts.events,
        EVENTS,
        "{reached:?} {counts:?} {}",
        summary(&output)
    );
    each_persons_in_order(&sandbox, EVENTS, PEOPLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_spool_is_refused_with_the_firsts_process_id() {
    let dir = tempfile::tempdir().unwrap();
    let (feed, sandbox) = (feed().await, sandbox(Faults::default()).await);
    let first = forwarder(&feed.url(), &sandbox.url(), dir.path(), &[])
        .spawn()
        .unwrap();
    until("the first has it", || feed.clients() == 1).await;
    let second = forwarder(&feed.url(), &sandbox.url(), dir.path(), &[])
        .spawn()
        .unwrap();
    let output = ended(second).await;
    assert_eq!(output.status.code(), Some(2));
    let told = format!("process {}", first.id());
    assert!(said(&output).contains(&told), "{}", said(&output));
    signal("TERM", first.id());
    assert!(ended(first).await.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn items_in_the_spool_at_the_end_are_sent_after_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let down = Faults {
        fail_share: 1.0,
        ..Faults::default()
    };
    let (feed, sandbox) = (feed().await, sandbox(down).await);
    let publishing = publish(&feed, 500, 7, 0);
    let more = [("SLUICEGATE_DELIVERY_DRAIN", "300ms")];
    let first = forwarder(&feed.url(), &sandbox.url(), dir.path(), &more)
        .spawn()
        .unwrap();
    publishing.await.unwrap();
    until("all are durable", || {
        status_of(dir.path())["spool"]["items"] == 500
    })
    .await;
    let started = Instant::now();
    signal("TERM", first.id());
    let output = ended(first).await;
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "the drain has a deadline"
    );
    assert_eq!(output.status.code(), Some(1), "something is left");
    assert_eq!(summary(&output)["left"], 500);

    let status = |code| {
        let output = sluicegate()
            .args(["status", "--format", "json", "--spool"])
            .arg(dir.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let left = status(1);
    assert_eq!(
        (&left["running"], &left["spool"]["items"]),
        (&Value::Null, &500.into())
    );

    sandbox.set_faults(Faults::default());
    let second = forwarder(&feed.url(), &sandbox.url(), dir.path(), &more)
        .spawn()
        .unwrap();
    until("it arrives", || sandbox.counts().events == 500).await;
    until("it is told", || {
        status_of(dir.path())["status"]["standing"]["spool"]["carried"] == 500
    })
    .await;
    until("nothing is left", || {
        status_of(dir.path())["spool"]["items"] == 0
    })
    .await;
    let now = status(0);
    assert_eq!(now["running"], second.id().to_string());
    assert_eq!(now["status"]["standing"]["spool"]["carried"], 500);
    signal("TERM", second.id());
    assert!(ended(second).await.status.success());
    each_persons_in_order(&sandbox, 500, 7);
}

/// Returns the JSON of `status`, whatever its exit code.
fn status_of(spool: &Path) -> Value {
    let output = sluicegate()
        .args(["status", "--format", "json", "--spool"])
        .arg(spool)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reloads_settings_without_dropping_a_connection_or_an_event() {
    let dir = tempfile::tempdir().unwrap();
    let (feed, sandbox) = (feed().await, sandbox(Faults::default()).await);
    sandbox.set_credentials("site:new");
    let config = dir.path().join("s.toml");
    let key = dir.path().join("key");
    std::fs::write(&key, "old").unwrap();
    let text = |types: &str, attempts: &str| {
        format!(
            "[customerio]\napi_key_file = {key:?}\n[delivery]\nattempts = {attempts}\n[types]\n{types}\n"
        )
    };
    std::fs::write(&config, text("", "10")).unwrap();
    let mut command = forwarder(&feed.url(), &sandbox.url(), &dir.path().join("spool"), &[]);
    command
        .env_remove("SLUICEGATE_CUSTOMERIO_API_KEY")
        .env("SLUICEGATE_CONFIG", &config);
    let child = command.spawn().unwrap();
    until("it is there", || feed.clients() == 1).await;
    for number in 0..10 {
        feed.publish(&event("u-0", number)).await;
    }
    until("the credentials are refused", || {
        sandbox.counts().requests > 0
    })
    .await;

    std::fs::write(&key, "new").unwrap();
    std::fs::write(&config, text("Step = \"off\"", "7")).unwrap();
    signal("HUP", child.id());
    until("the new key is used", || sandbox.counts().events == 10).await;
    for number in 10..20 {
        feed.publish(&event("u-0", number)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(sandbox.counts().events, 10, "the type is off");

    std::fs::write(&config, "[types]\nStep = 7\n").unwrap();
    signal("HUP", child.id());
    tokio::time::sleep(Duration::from_millis(300)).await;
    std::fs::write(&config, text("", "7")).unwrap();
    signal("HUP", child.id());
    tokio::time::sleep(Duration::from_millis(300)).await;
    feed.publish(&event("u-0", 20)).await;
    until("it is on again", || sandbox.counts().events == 11).await;
    signal("TERM", child.id());
    let output = ended(child).await;
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert_eq!(
        summary(&output)["totals"]["received"],
        21,
        "no event was missed"
    );
    assert_logged_reloads(&said);
}

/// Checks the log for one reload, one refused reload, and a feed that stayed connected.
fn assert_logged_reloads(said: &str) {
    assert!(
        said.contains(
            "settings reloaded: customerio.api_key_file, delivery.attempts, types applied"
        ),
        "{said}"
    );
    assert!(
        said.contains("nothing is changed:") && said.contains("types"),
        "{said}"
    );
    assert_eq!(
        said.matches("feed is live").count(),
        1,
        "the connection stayed: {said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_file_is_used_without_a_signal_while_credentials_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (feed, sandbox) = (feed().await, sandbox(Faults::default()).await);
    sandbox.set_credentials("site:new");
    let key = dir.path().join("key");
    std::fs::write(&key, "old").unwrap();
    let mut command = forwarder(&feed.url(), &sandbox.url(), &dir.path().join("spool"), &[]);
    command
        .env_remove("SLUICEGATE_CUSTOMERIO_API_KEY")
        .env("SLUICEGATE_CUSTOMERIO_API_KEY_FILE", &key);
    let child = command.spawn().unwrap();
    feed.publish(&event("u-0", 0)).await;
    until("the credentials are refused", || {
        sandbox.counts().requests > 0
    })
    .await;
    std::fs::write(&key, "new\n").unwrap();
    until("the new key is used", || sandbox.counts().events == 1).await;
    signal("TERM", child.id());
    assert!(ended(child).await.status.success());
}
