//! The whole program: a feed, the binary, a sandbox, each a process of its own.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/program.rs"]
mod program;

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use program::{get, replay, run, run_on, sandbox, signal, summary};
use serde_json::Value;

/// Events of a few people, all happening now, some filtered out and some malformed.
fn archive(dir: &std::path::Path) -> std::path::PathBuf {
    let now = sluicegate::amplitude::time::now();
    let mut text = String::new();
    for n in 0..3_000 {
        let event_type = if n % 10 == 0 { "Noise" } else { "Step" };
        let person = if n % 100 == 1 {
            "null".to_owned()
        } else {
            format!("\"u-{}\"", n % 13)
        };
        let _ = writeln!(
            text,
            r#"{{"event_type":"{event_type}","user_id":{person},"device_id":"d","insert_id":"i-{n}","time":{},"event_properties":{{"number":{n}}}}}"#,
            now + n
        );
    }
    text.push_str("{\"event_type\": oops}\n");
    let path = dir.join("events.ndjson");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn every_accepted_event_arrives_once_and_each_persons_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = sandbox(&["--fail-share", "0.1", "--hang-up-share", "0.1"]);
    let feed = replay(&archive(dir.path()), &[]);
    let config = dir.path().join("s.toml");
    std::fs::write(
        &config,
        "[types]\nNoise = \"off\"\n[delivery]\nfirst_delay = \"20ms\"\nbatch_bytes = 40000\n",
    )
    .unwrap();
    let output = run(&feed.url, &sandbox.url)
        .env("SLUICEGATE_CONFIG", &config)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told = summary(&output);
    let totals = &told["totals"];
    // 300 of type Noise; of the others 30 have no person (n % 100 == 1, none of them Noise).
    for (name, expected) in [
        ("received", 3_000),
        ("malformed", 1),
        ("filtered", 300),
        ("rejected", 30),
        ("accepted", 2_670),
        ("delivered", 2_670),
    ] {
        assert_eq!(totals[name], expected, "{name}: {told}");
    }
    assert_eq!(told["left"], 0);
    let counts = get(&format!("{}/sandbox/counts", sandbox.url));
    assert_eq!(
        counts["events"], 2_670,
        "both ends count the same: {counts}"
    );
    for person in 0..13 {
        let events = get(&format!("{}/sandbox/people/u-{person}/events", sandbox.url));
        let numbers: Vec<u64> = events
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|e| e["attributes"]["number"].as_u64())
            .collect();
        assert!(
            numbers.len() > 100 && numbers.is_sorted(),
            "u-{person}: {numbers:?}"
        );
    }
    assert!(feed.finish().contains("played 3,000 events, 1 malformed"));
}

#[test]
fn a_second_run_of_the_same_events_changes_nothing_at_customer_io() {
    let dir = tempfile::tempdir().unwrap();
    let archive = archive(dir.path());
    let sandbox = sandbox(&[]);
    for _ in 0..2 {
        let feed = replay(&archive, &[]);
        assert!(
            run(&feed.url, &sandbox.url)
                .output()
                .unwrap()
                .status
                .success()
        );
    }
    let counts = get(&format!("{}/sandbox/counts", sandbox.url));
    assert_eq!(
        (&counts["events"], &counts["duplicates"]),
        (&Value::from(2_970), &Value::from(2_970))
    );
}

#[test]
fn a_shut_gate_and_a_dry_run_send_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let archive = archive(dir.path());
    let sandbox = sandbox(&[]);
    for (gate, accepted) in [("shut", 0), ("dry-run", 2_970)] {
        let feed = replay(&archive, &[]);
        let output = run(&feed.url, &sandbox.url)
            .env("SLUICEGATE_GATE", gate)
            .output()
            .unwrap();
        assert_eq!(summary(&output)["totals"]["accepted"], accepted, "{gate}");
    }
    assert_eq!(
        get(&format!("{}/sandbox/counts", sandbox.url))["requests"],
        0
    );
}

#[test]
fn sigterm_drains_and_exits_with_0() {
    let sandbox = sandbox(&["--latency", "300ms"]);
    let dir = tempfile::tempdir().unwrap();
    let feed = replay(&archive(dir.path()), &["--loop"]);
    let mut command = run_on(&feed.url, &sandbox.url);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while get(&format!("{}/sandbox/counts", sandbox.url))["events"] == 0 {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "nothing arrives"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    signal("TERM", child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let totals = summary(&output)["totals"].clone();
    assert_eq!(totals["accepted"], totals["delivered"]);
    assert_eq!(
        get(&format!("{}/sandbox/counts", sandbox.url))["events"],
        totals["delivered"]
    );
}

#[test]
fn a_log_without_a_reader_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = sandbox(&[]);
    let feed = replay(&archive(dir.path()), &[]);
    let mut child = run(&feed.url, &sandbox.url)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // As with `2>&1 | head`: the first line that is logged has no reader.
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let counts = get(&format!("{}/sandbox/counts", sandbox.url));
    assert_eq!(
        counts["events"], 2_970,
        "all but the 30 that have no person"
    );
}

#[test]
fn a_json_log_is_json_line_by_line() {
    let output = run("ws://127.0.0.1:1", "http://127.0.0.1:1")
        .args(["--log", "json", "--for", "500ms"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        lines.iter().any(|line| line["message"]
            .as_str()
            .is_some_and(|m| m.contains("connection refused"))),
        "{said}"
    );
}

#[test]
fn a_recorded_feed_can_be_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox_of_first = sandbox(&[]);
    let feed = replay(&archive(dir.path()), &[]);
    let folder = dir.path().join("recorded");
    let first = run(&feed.url, &sandbox_of_first.url)
        .arg("--record")
        .arg(&folder)
        .output()
        .unwrap();
    let first = summary(&first);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    let [Ok(file)] = &files[..] else {
        panic!("{files:?}")
    };
    assert!(
        file.path().to_string_lossy().ends_with(".ndjson.zst"),
        "{file:?}"
    );
    // The replay has the same events, and the malformed frame.
    let sandbox_of_second = sandbox(&[]);
    let again = replay(&file.path(), &[]);
    let second = summary(&run(&again.url, &sandbox_of_second.url).output().unwrap());
    for name in ["received", "malformed", "accepted", "rejected", "delivered"] {
        assert_eq!(first["totals"][name], second["totals"][name], "{name}");
    }
    assert_eq!(second["totals"]["received"], 3_000);
    // A feed that can't be recorded is not started.
    let blocked = run(&again.url, &sandbox_of_second.url)
        .arg("--record")
        .arg(file.path())
        .output()
        .unwrap();
    let says = String::from_utf8_lossy(&blocked.stderr);
    assert!(says.contains("cannot record to"), "{says}");
}

#[test]
fn items_lost_on_disk_are_an_error_in_the_log_and_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    let sandbox = sandbox(&["--fail-share", "1"]);
    let feed = replay(&archive(dir.path()), &[]);
    let ran = |feed: &str, time: &str| {
        run_on(feed, &sandbox.url)
            .args(["--for", time])
            .env("SLUICEGATE_SPOOL_FOLDER", &spool)
            .env("SLUICEGATE_DELIVERY_DRAIN", "100ms")
            .output()
            .unwrap()
    };
    let first = ran(&feed.url, "3s");
    let left = summary(&first)["left"].as_u64().unwrap();
    assert!(left > 1_000, "{left}");
    // Everything after the file's head is overwritten.
    let path = spool.join("spool.db");
    let mut all = std::fs::read(&path).unwrap();
    let tail = all.len() / 4;
    all[tail..].fill(0xAA);
    std::fs::write(&path, &all).unwrap();
    // Large chunks have files of their own.
    for file in std::fs::read_dir(spool.join("chunks")).unwrap() {
        std::fs::write(file.unwrap().path(), [0xAA; 1_000]).unwrap();
    }
    let second = ran("ws://127.0.0.1:9/feed", "2s");
    let told = summary(&second);
    assert!(told["spool"]["lost"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(second.status.code(), Some(1));
    let log = String::from_utf8_lossy(&second.stderr);
    let is_error = |line: &str| line.contains("ERROR") && line.contains("items are lost");
    assert!(log.lines().any(is_error), "{log}");
}
