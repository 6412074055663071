//! The ledger of a forwarder as a process: what it says of events, and what a kill costs.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use program::{sandbox, sluicegate};
use serde_json::Value;

/// A file with this many events, ten milliseconds apart, half of them of a type that is off.
fn events(folder: &Path, count: u64) -> PathBuf {
    let mut lines = String::new();
    for number in 0..count {
        let (second, ms) = (number / 100, number % 100 * 10);
        let (minute, second) = (second / 60, second % 60);
        let event_type = if number % 2 == 0 { "Bought" } else { "Viewed" };
        let _ = writeln!(
            lines,
            r#"{{"event_type":"{event_type}","user_id":"u-{}","device_id":"d","$insert_id":"i-{number}","event_time":"2026-11-25 09:{minute:02}:{second:02}.{ms:03}000"}}"#,
            number % 50
        );
    }
    let path = folder.join("events.ndjson");
    std::fs::write(&path, lines).unwrap();
    path
}

fn forwarder(feed: &str, to: &str, spool: &Path) -> Command {
    let mut command = program::run_on(feed, to);
    let config = spool.with_extension("toml");
    std::fs::write(&config, "[types]\nViewed = \"off\"\n").unwrap();
    command
        .env("SLUICEGATE_CONFIG", &config)
        .env("SLUICEGATE_SPOOL_FOLDER", spool);
    command
}

fn ledger(spool: &Path, args: &[&str]) -> Output {
    let mut command = sluicegate();
    let (first, rest) = args.split_first().unwrap();
    command.args(["ledger", first, "--spool"]).arg(spool);
    command.args(rest).output().unwrap()
}

/// The outcomes in an export of the ledger, by the hash of the event.
fn outcomes(spool: &Path) -> BTreeMap<String, String> {
    let export = ledger(spool, &["export"]);
    assert!(export.status.success());
    let mut found = BTreeMap::new();
    for line in String::from_utf8(export.stdout).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        found.insert(text("hash"), text("outcome"));
    }
    found
}

#[test]
fn every_decision_and_outcome_is_found_by_person_type_and_time() {
    let dir = tempfile::tempdir().unwrap();
    let (file, spool) = (events(dir.path(), 100), dir.path().join("spool"));
    let (feed, to) = (program::replay(&file, &[]), sandbox(&[]));
    let mut run = forwarder(&feed.url, &to.url, &spool);
    let output = run.args(["--exit-when-idle", "500ms"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let all = outcomes(&spool);
    let count = |outcome: &str| all.values().filter(|it| *it == outcome).count();
    assert_eq!((count("delivered"), count("not_sent")), (50, 50), "{all:?}");
    let around = ["find", "--user", "u-4", "--around", "2026-11-25T09:00"];
    let found = ledger(&spool, &around);
    let says = String::from_utf8_lossy(&found.stdout).into_owned();
    assert_eq!(says.lines().count(), 2, "u-4 has two events: {says}");
    assert!(
        says.contains("Bought") && says.contains("accepted  delivered"),
        "{says}"
    );
    let found = ledger(
        &spool,
        &["find", "--user", "u-5", "--around", "2026-11-25T09:00"],
    );
    let says = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(
        says.contains("Viewed") && says.contains("filtered out: type not selected"),
        "{says}"
    );
    let none = ledger(
        &spool,
        &["find", "--user", "u-4", "--around", "2026-11-25T11:00"],
    );
    assert_eq!(none.status.code(), Some(1));
    let stats = ledger(&spool, &["stats", "--format", "json"]);
    let stats: Value = serde_json::from_slice(&stats.stdout).unwrap();
    assert_eq!(stats["files"], 1, "{stats}");
    assert_eq!(stats["outages"][0]["kind"], "not_running");
}

#[test]
fn a_killed_forwarder_loses_the_rows_of_a_moment_and_the_next_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (file, spool) = (events(dir.path(), 6_000), dir.path().join("spool"));
    // A thousand events a second.
    let mut replay = sluicegate();
    replay
        .args(["replay", "--listen", "127.0.0.1:0", "--speed", "10x"])
        .arg(&file);
    let (feed, to) = (program::Serving::start(&mut replay), sandbox(&[]));
    let mut first = forwarder(&feed.url, &to.url, &spool)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    first.kill().unwrap();
    first.wait().unwrap();
    let before = outcomes(&spool).len();
    assert!(before > 300, "{before} rows in three seconds");
    let mut second = forwarder(&feed.url, &to.url, &spool);
    let output = second.args(["--exit-when-idle", "3s"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let all = outcomes(&spool);
    let arrived = program::get(&format!("{}/sandbox/counts", to.url))["events"].as_u64();
    let delivered = all.values().filter(|it| *it == "delivered").count() as u64;
    let arrived = arrived.unwrap();
    // What the killed process wrote last, and what was under way while it was killed.
    assert!(
        arrived - delivered <= 300,
        "{delivered} of {arrived} have their row"
    );
    assert_eq!(arrived, 3_000);
}
