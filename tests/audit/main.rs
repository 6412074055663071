//! The audit: exports with every kind of gap against the ledger.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod deliver;
mod dialects;
#[cfg(unix)]
#[path = "../common/hangup.rs"]
mod hangup;
#[path = "../common/program.rs"]
mod program;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use program::{sandbox, sluicegate};
use serde_json::Value;
use sluicegate::amplitude::{Event, time};
use sluicegate::customerio::dedupe;
use sluicegate::filter::{BlockedBy, Decision};
use sluicegate::ledger::{HashKey, LedgerRun, LedgerSettings, NewRow, Note, Outcome};
use sluicegate::limits::Code;
use ulid::Ulid;

/// What writes the ledger.
const RUN: LedgerRun = LedgerRun::Forwarder;

/// An event of an export, this many milliseconds after 1970.
fn exported(number: u64, ms: i64) -> String {
    let at = time::to_export(ms);
    format!(
        r#"{{"event_type":"Bought","user_id":"u-{number}","device_id":"d","$insert_id":"i-{number}","event_time":"{at}","client_event_time":"{at}","uuid":"x-{number}"}}"#
    )
}

fn id(text: &str) -> Ulid {
    let mut found: Option<Event> = None;
    sluicegate::amplitude::decode(&text.into(), 0, "message_id", |event| found = event.ok());
    dedupe::id(&found.unwrap())
}

/// The row of a decision or, without one, of an outcome.
fn row(key: &HashKey, number: u64, ms: i64, decision: Option<Decision>, to: Outcome) -> NewRow {
    NewRow {
        key: key.event(id(&exported(number, ms))),
        person: key.person(&format!("u-{number}")),
        event_type: "Bought".into(),
        decision,
        outcome: to,
        received_ms: ms + 1_500,
        took_ms: 80,
    }
}

fn audit(file: &Path, ledger: &Path, args: &[&str]) -> Output {
    let mut command = sluicegate();
    command.args(["audit", "--from"]).arg(file).args(args);
    command.env("SLUICEGATE_LEDGER_FOLDER", ledger);
    command.output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// A ledger with events of every outcome. Returns the time of the events, and one while the feed was
/// down.
fn ledger_of_all_outcomes(ledger: &Path) -> (i64, i64) {
    let settings = LedgerSettings {
        folder: ledger.to_owned(),
        keep: Duration::from_secs(86_400),
        quota_bytes: 1 << 30,
    };
    let (mut recorder, thread) = sluicegate::ledger::start(settings, RUN, |_| {}).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let why = "connection refused".to_owned();
    recorder.note(Note::FeedDown { why });
    std::thread::sleep(Duration::from_millis(50));
    let down_ms = time::now();
    std::thread::sleep(Duration::from_millis(50));
    recorder.note(Note::FeedUp);
    std::thread::sleep(Duration::from_millis(50));
    let now = time::now();
    let key = recorder.key().clone();
    let accepted = || Some(Decision::Accepted);
    let filtered = Decision::Filtered {
        by: BlockedBy::Type,
    };
    let code = Code::IdMissing;
    let settled = |number, outcome| {
        [
            row(&key, number, now, accepted(), Outcome::Waiting),
            row(&key, number, now, None, outcome),
        ]
    };
    let mut rows = vec![
        row(&key, 3, now, accepted(), Outcome::Waiting),
        row(&key, 4, now, Some(filtered), Outcome::NotSent),
        row(
            &key,
            5,
            now,
            Some(Decision::Rejected { code }),
            Outcome::NotSent,
        ),
        row(&key, 6, now, accepted(), Outcome::DryRun),
        // Not in the export.
        row(&key, 7, now, accepted(), Outcome::Delivered),
    ];
    rows.extend(settled(1, Outcome::Delivered));
    rows.extend(settled(2, Outcome::Expired));
    rows.extend(settled(8, Outcome::Delivered));
    // The same event under another id.
    let mut twin = row(&key, 8, now, accepted(), Outcome::Delivered);
    twin.key.hash ^= 1;
    rows.push(twin);
    assert_eq!(recorder.record(rows), None);
    drop(recorder);
    thread.join().unwrap();
    (now, down_ms)
}

/// The export: the ledger's events, one of them twice, and three that are missing: one from while the
/// feed was down, two from before any forwarder ran.
fn export_of_all(now: i64, down_ms: i64) -> String {
    let mut lines = String::new();
    for number in [1, 2, 3, 4, 5, 6, 8, 8] {
        let _ = writeln!(lines, "{}", exported(number, now));
    }
    let long_ago = now - 5_000_000;
    for (number, ms) in [(20, down_ms), (21, long_ago), (22, long_ago)] {
        let _ = writeln!(lines, "{}", exported(number, ms));
    }
    lines
}

/// Asserts that the gaps have their causes.
fn has_causes(report: &Value) {
    let causes: Vec<(&str, &Value, &str)> = report["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| {
            let text = |name: &str| gap[name].as_str().unwrap();
            (text("kind"), &gap["events"], text("cause"))
        })
        .collect();
    for (kind, events, cause) in [
        ("missing", 1, "the feed was down"),
        ("missing", 2, "no forwarder ran"),
        ("waiting", 1, "in the spool"),
        ("dead_letters", 1, "expired"),
        ("extra", 2, "not in the export"),
    ] {
        let is_there =
            |(k, e, c): &(&str, &Value, &str)| *k == kind && **e == events && c.contains(cause);
        assert!(causes.iter().any(is_there), "{cause}: {causes:#?}");
    }
}

#[test]
fn each_kind_of_gap_is_counted_and_has_its_cause() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("ledger");
    let (now, down_ms) = ledger_of_all_outcomes(&ledger);
    let file = dir.path().join("export.ndjson");
    std::fs::write(&file, export_of_all(now, down_ms)).unwrap();
    let output = audit(&file, &ledger, &["--format", "json"]);
    let report = json(&output);
    for (name, count) in [
        ("in_export", 10),
        ("received", 7),
        ("missing", 3),
        ("filtered", 1),
        ("rejected", 1),
        ("accepted", 5),
        ("delivered", 2),
        ("waiting", 1),
        ("dead_letters", 1),
        ("dry_run", 1),
        ("extra", 2),
        ("doubled", 1),
        ("repeated_in_export", 1),
    ] {
        assert_eq!(report[name], count, "{name}: {report:#}");
    }
    assert_eq!(output.status.code(), Some(1));
    has_causes(&report);
    // Today every type is on.
    let changed = &report["decided_differently_today"];
    assert_eq!(changed["type not selected → accepted"], 1, "{changed}");
    assert_eq!(report["rejected_by"]["id_missing"], 1);
    for (format, says) in [
        ("text", "  missing: never received                       3"),
        ("markdown", "|   missing: never received | 3 |"),
    ] {
        let output = audit(&file, &ledger, &["--format", format]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(says), "{text}");
    }
}

/// The metrics of a forwarder, once they have this line.
#[cfg(unix)]
fn metrics_have(at: std::net::SocketAddr, line: &str) {
    use std::io::{Read as _, Write as _};
    let started = std::time::Instant::now();
    loop {
        let mut text = String::new();
        if let Ok(mut stream) = std::net::TcpStream::connect(at) {
            let _ = write!(stream, "GET /metrics HTTP/1.0\r\nHost: {at}\r\n\r\n");
            let _ = stream.read_to_string(&mut text);
        }
        if text.lines().any(|it| it == line) {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "no {line} in {text}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[cfg(unix)]
#[test]
fn a_forwarder_tells_of_the_last_audit_in_its_metrics_and_alerts() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("ledger");
    let (now, down_ms) = ledger_of_all_outcomes(&ledger);
    let file = dir.path().join("export.ndjson");
    std::fs::write(&file, export_of_all(now, down_ms)).unwrap();
    let config = dir.path().join("s.toml");
    let alert = "[[alerts]]\nname = \"nightly\"\nwhen = \"audit-missing\"\nfor = \"0s\"\n";
    std::fs::write(&config, alert).unwrap();
    let (at, to) = (program::steady_place(), sandbox(&[]));
    let mut run = program::run_on("ws://127.0.0.1:1", &to.url);
    run.env("SLUICEGATE_LEDGER_FOLDER", &ledger)
        .env("SLUICEGATE_CONTROL_LISTEN", at.to_string())
        .env("SLUICEGATE_CONFIG", &config);
    let mut run = hangup::Logged::start(&mut run);
    metrics_have(at, "sluicegate_audit_missing 0.0");
    assert_eq!(audit(&file, &ledger, &[]).status.code(), Some(1));
    metrics_have(at, "sluicegate_audit_missing 3.0");
    metrics_have(at, "sluicegate_audit_undelivered 2.0");
    let told = run.line(&["alert: "]);
    let says = "nightly: of 10 events in Amplitude's export of";
    assert!(
        told.contains(says) && told.contains("3 missing and 2 undelivered"),
        "{told}"
    );
    // An audit without an event of before the first forwarder, and with a delivered one alone.
    std::fs::write(&file, exported(1, now)).unwrap();
    audit(&file, &ledger, &[]);
    metrics_have(at, "sluicegate_audit_missing 0.0");
}

#[test]
fn events_that_came_from_an_sdk_are_those_of_the_export_and_a_percentage_may_be_missing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut sdk, mut export) = (String::new(), String::new());
    let begin = time::now() - 600_000;
    for number in 0..200 {
        let ms = begin + number * 7;
        let _ = writeln!(
            sdk,
            r#"{{"event_type":"Bought","user_id":"u-{number}","device_id":"d","insert_id":"i-{number}","time":{ms}}}"#
        );
        let _ = writeln!(export, "{}", exported(number.unsigned_abs(), ms));
    }
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (feed, to) = (
        program::replay(&file("sdk.ndjson", &sdk), &[]),
        sandbox(&[]),
    );
    let ledger = dir.path().join("ledger");
    let mut run = program::run(&feed.url, &to.url);
    run.env("SLUICEGATE_LEDGER_FOLDER", &ledger);
    assert!(run.output().unwrap().status.success());
    let whole = audit(
        &file("export.ndjson", &export),
        &ledger,
        &["--format", "json"],
    );
    let report = json(&whole);
    for (name, count) in [
        ("in_export", 200),
        ("delivered", 200),
        ("missing", 0),
        ("doubled", 0),
        ("extra", 0),
    ] {
        assert_eq!(report[name], count, "{name}: {report:#}");
    }
    assert!(whole.status.success());
    let _ = writeln!(export, "{}", exported(999, begin));
    let more = file("more.ndjson", &export);
    for (allowed, code) in [("0%", 1), ("0.1%", 1), ("1%", 0)] {
        let output = audit(&more, &ledger, &["--max-missing", allowed]);
        assert_eq!(output.status.code(), Some(code), "{allowed}");
    }
}
