//! The commands of a group: init, status, doctor, dead letters, and what publishes into it.

use std::process::Output;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use serde_json::Value;

use crate::common::{event, sandbox, until};
use crate::fixture::{Bench, Member, NatsServer, arrived, group, in_order, relay, shared, status};
use crate::program::{post, sluicegate};
use sluicegate::customerio::sandbox::Faults;

fn run(arguments: &[&str]) -> Output {
    sluicegate().args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_group_is_created_once_and_keeps_its_partitions() {
    let nats = NatsServer::start();
    let url = nats.url();
    let missing = run(&["nats", "status", &url]);
    assert!(
        out(&missing).contains("sluicegate nats init"),
        "{}",
        out(&missing)
    );
    let made = run(&["nats", "init", &url, "--partitions", "8"]);
    assert!(made.status.success(), "{}", out(&made));
    let again = run(&[
        "nats",
        "init",
        &url,
        "--partitions",
        "8",
        "--max-bytes",
        "1000000",
    ]);
    assert!(again.status.success(), "{}", out(&again));
    let other = run(&["nats", "init", &url, "--partitions", "16"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(out(&other).contains("has 8 partitions"), "{}", out(&other));
    assert_eq!(status(&url)["partitions"], 8);
    let doctor = run(&["nats", "doctor", &url]);
    assert_eq!(
        doctor.status.code(),
        Some(1),
        "no member runs: {}",
        out(&doctor)
    );
    assert!(
        out(&doctor).contains("ok    leases can be written"),
        "{}",
        out(&doctor)
    );
    let nobody = run(&["nats", "doctor", "nats://127.0.0.1:9/shop"]);
    assert!(
        out(&nobody).contains("FAIL  the server answers"),
        "{}",
        out(&nobody)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_full_stream_and_a_server_that_is_gone_are_a_503_for_the_sender() {
    let mut nats = NatsServer::start();
    let url = nats.url();
    assert!(
        run(&["nats", "init", &url, "--max-bytes", "20000"])
            .status
            .success()
    );
    let relay = relay(&url, &[]);
    let webhook = format!("{}/webhook", relay.url);
    let send = |n: u64| tokio::task::block_in_place(|| post(&webhook, &event("u-1", n)));
    assert_eq!(send(0)["code"], 200);
    let refused = (1..200).map(send).find(|answer| answer["code"] != 200);
    let refused = refused.expect("20 kB are full some time");
    assert_eq!(refused["code"], 503);
    assert!(
        refused["error"].as_str().unwrap().contains("maximum bytes"),
        "{refused}"
    );
    nats.kill();
    let refused = send(300);
    assert_eq!(refused["code"], 503);
    assert!(
        refused["error"].as_str().unwrap().contains("NATS"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_relay_with_a_log_answers_while_the_server_is_gone_and_publishes_later_in_order() {
    let mut nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = sandbox(Faults::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let kept = [
        "--retain",
        "1h",
        "--folder",
        folder.path().to_str().unwrap(),
    ];
    let relay = relay(&nats.url(), &kept);
    let webhook = format!("{}/webhook", relay.url);
    let send = |n: u64| {
        let answer =
            tokio::task::block_in_place(|| post(&webhook, &event(&format!("u-{}", n % 5), n)));
        assert_eq!(answer["code"], 200, "{answer}");
    };
    (0..100).for_each(send);
    nats.kill();
    (100..200).for_each(send);
    nats.start_again();
    (200..300).for_each(send);
    let _member = Member::start(&nats.url(), &sandbox);
    shared(publisher.connection(), 1).await;
    arrived(&sandbox, 300).await;
    in_order(&sandbox, 300, 5);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn archives_are_published_by_replay() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = sandbox(Faults::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.ndjson");
    let lines: Vec<String> = (0..500)
        .map(|n| event(&format!("u-{}", n % 5), n))
        .collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let (url, file) = (nats.url(), file.to_str().unwrap());
    let replay = || run(&["replay", "--speed", "max", "--to", &url, file]);
    let played = replay();
    assert!(
        out(&played).contains("published 500 events"),
        "{}",
        out(&played)
    );
    let again = replay();
    assert!(again.status.success(), "{}", out(&again));
    assert_eq!(
        status(&nats.url())["events"],
        500,
        "the stream knows them by their ids"
    );
    let _member = Member::start(&nats.url(), &sandbox);
    shared(publisher.connection(), 1).await;
    arrived(&sandbox, 500).await;
    in_order(&sandbox, 500, 5);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn dead_letters_of_a_group_are_listed_tried_again_and_discarded() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = sandbox(Faults {
        refuse: Some("Step".to_owned()),
        ..Faults::default()
    })
    .await;
    let _member = Member::start(&nats.url(), &sandbox);
    shared(publisher.connection(), 1).await;
    let texts: Vec<ByteString> = (0..3).map(|n| event(&format!("u-{n}"), n).into()).collect();
    publisher.publish(&texts).await.unwrap();
    let letters = |request: &[&str]| {
        let mut command = sluicegate();
        command
            .env("SLUICEGATE_FEED_URL", nats.url())
            .arg("dead-letters")
            .args(request);
        command.output().unwrap()
    };
    until("all are dead letters", || {
        status(&nats.url())["dead_letters"] == 3
    })
    .await;
    let list: Value =
        serde_json::from_slice(&letters(&["list", "--format", "json"]).stdout).unwrap();
    assert_eq!(list[0]["count"], 3);
    assert!(
        list[0]["newest_ms"].as_i64().unwrap() > 1_700_000_000_000,
        "{list}"
    );
    let shown: Value = serde_json::from_slice(&letters(&["show", "2"]).stdout).unwrap();
    assert_eq!(shown["number"], 2);
    assert_eq!(shown["event"]["event_type"], "Step", "{shown}");
    let exported = letters(&["export", "--all"]);
    let exported = String::from_utf8_lossy(&exported.stdout).into_owned();
    assert_eq!(exported.lines().count(), 3);
    assert!(
        exported.contains("\"event\":{\"event_type\":\"Step\""),
        "{exported}"
    );
    sandbox.set_faults(Faults::default());
    let retried = letters(&["retry", "1"]);
    assert!(
        out(&retried).contains("1 dead letter published again"),
        "{}",
        out(&retried)
    );
    arrived(&sandbox, 1).await;
    let discarded = letters(&["discard", "--all", "--yes"]);
    assert!(
        out(&discarded).contains("2 dead letters discarded"),
        "{}",
        out(&discarded)
    );
    assert_eq!(status(&nats.url())["dead_letters"], 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_member_that_ends_hands_its_partitions_over_within_two_seconds() {
    let mut bench = Bench::start(2, Faults::default()).await;
    let leaving = bench.members.remove(0);
    let ended = tokio::spawn(leaving.end());
    let started = Instant::now();
    bench.shared().await;
    assert!(ended.await.unwrap().success());
    // The promise of the design, not a speed: an unrenewed lease would take longer.
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn one_audit_over_the_ledgers_of_all_members_finds_every_event() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = sandbox(Faults::default()).await;
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let member = |folder: &tempfile::TempDir| {
        let folder = folder.path().to_str().unwrap();
        Member::with(
            &nats.url(),
            &sandbox,
            &[("SLUICEGATE_SPOOL_FOLDER", folder)],
        )
    };
    let members: Vec<Member> = folders.iter().map(member).collect();
    shared(publisher.connection(), 2).await;
    // The last one is published by nobody.
    let lines: Vec<String> = (0..101).map(|n| event(&format!("u-{n}"), n)).collect();
    let texts: Vec<ByteString> = lines[..100]
        .iter()
        .map(|line| line.as_str().into())
        .collect();
    publisher.publish(&texts).await.unwrap();
    arrived(&sandbox, 100).await;
    for member in members {
        assert!(member.end().await.success());
    }
    let file = folders[0].path().join("export.ndjson");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let audit = |ledgers: &[&tempfile::TempDir]| {
        let mut command = sluicegate();
        command
            .args(["audit", "--format", "json", "--from"])
            .arg(&file);
        command.arg("--ledger");
        command.args(ledgers.iter().map(|folder| folder.path().join("ledger")));
        let output = command.output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", out(&output)))
    };
    let [one, other] = &folders;
    let all = audit(&[one, other]);
    assert_eq!(
        (&all["missing"], &all["delivered"]),
        (&1.into(), &100.into()),
        "{all}"
    );
    let (first, second) = (audit(&[one]), audit(&[other]));
    let delivered = |report: &Value| report["delivered"].as_u64().unwrap();
    assert!(delivered(&first) > 0 && delivered(&second) > 0);
    assert_eq!(delivered(&first) + delivered(&second), 100);
    let notes = sluicegate()
        .args(["ledger", "stats", "--format", "json", "--spool"])
        .arg(one.path())
        .output()
        .unwrap();
    assert!(notes.status.success(), "{}", out(&notes));
}
