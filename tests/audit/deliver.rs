//! The loop: a week with every kind of gap, an audit that finds each, a delivery, and a clean audit.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluicegate::amplitude::time;

use super::json;
use crate::program::{self, Serving, get, sluicegate};

const DAY_MS: i64 = 86_400_000;
/// Events of a day, two of ten of the type `Viewed`.
const EVENTS: i64 = 20;
/// Persons whose events they are.
const PEOPLE: i64 = 3;

/// A week of exports, a file for each day, and the forwarder's folders.
struct Week {
    dir: tempfile::TempDir,
    begin: i64,
    sandbox: Serving,
}

impl Week {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            begin: time::now() - 8 * DAY_MS,
            sandbox: program::sandbox(&[]),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// An event of a day. Its number ascends with its time.
    fn event(&self, day: i64, index: i64) -> String {
        let number = day * EVENTS + index;
        let event_type = if index % 10 < 2 { "Viewed" } else { "Bought" };
        event(
            number,
            event_type,
            self.begin + day * DAY_MS + index * 3_600_000,
        )
    }

    /// Writes these events of a day to a file, as an export has them: not in the order of time.
    fn file(&self, day: i64, name: &str, indices: std::ops::Range<i64>) -> PathBuf {
        let lines = indices.rev().map(|index| self.event(day, index) + "\n");
        let path = self.path(name);
        std::fs::write(&path, lines.collect::<String>()).unwrap();
        path
    }

    fn with_folders(&self, mut command: Command) -> Command {
        command
            .env("SLUICEGATE_SPOOL_FOLDER", self.path("spool"))
            .env("SLUICEGATE_CUSTOMERIO_SITE_ID", "site")
            .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key-of-the-test")
            .env("SLUICEGATE_CUSTOMERIO_BASE_URL", &self.sandbox.url);
        command
    }

    /// Forwards a file to its end, with these types off.
    fn forward(&self, file: &Path, off: &[&str]) {
        let mut config = "[types]\n".to_owned();
        for name in off {
            let _ = writeln!(config, "{name} = \"off\"");
        }
        let path = self.path("config.toml");
        std::fs::write(&path, config).unwrap();
        let feed = program::replay(file, &[]);
        let mut run = self.with_folders(program::run(&feed.url, &self.sandbox.url));
        let output = run.env("SLUICEGATE_CONFIG", path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Starts a forwarder without an end.
    fn start(&self, feed: &str) -> Child {
        let mut command = self.with_folders(program::run_on(feed, &self.sandbox.url));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Audits the whole week, and the day of today.
    fn audit(&self, more: &[&str]) -> Output {
        let mut command = self.with_folders(sluicegate());
        let days = (0..7).map(|day| self.path(&format!("day-{day}.ndjson")));
        command.args(["audit", "--format", "json", "--from"]);
        command.args(days).arg(self.path("today.ndjson")).args(more);
        command.output().unwrap()
    }

    fn at_sandbox(&self) -> Value {
        get(&format!("{}/sandbox/counts", self.sandbox.url))
    }

    /// Waits until the sandbox has this number of events.
    fn wait_for(&self, events: i64) {
        let begun = Instant::now();
        while self.at_sandbox()["events"] != events {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{}",
                self.at_sandbox()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn event(number: i64, event_type: &str, ms: i64) -> String {
    let at = time::to_export(ms);
    json!({
        "event_type": event_type,
        "user_id": format!("u-{}", number % PEOPLE),
        "device_id": "d",
        "$insert_id": format!("i-{number}"),
        "event_time": at,
        "client_event_time": at,
        "event_properties": {"number": number},
        "uuid": format!("x-{number}"),
    })
    .to_string()
}

/// Lives through the week: days 0, 1 and 6 go well; the feed is not read on day 2; the forwarder is killed
/// in the middle of day 3; Customer.io refuses day 4; a type is off on day 5. Today the feed is down for a
/// moment. Returns the number of events at Customer.io.
fn live_through(week: &Week) -> i64 {
    for day in 0..7 {
        week.file(day, &format!("day-{day}.ndjson"), 0..EVENTS);
    }
    let day = |day: i64| week.path(&format!("day-{day}.ndjson"));
    week.forward(&day(0), &[]);
    week.forward(&day(1), &[]);
    let half = week.file(3, "half.ndjson", 0..EVENTS / 2);
    let feed = program::replay(&half, &[]);
    let mut killed = week.start(&feed.url);
    week.wait_for(2 * EVENTS + EVENTS / 2);
    // The ledger is written within 0.1 seconds.
    std::thread::sleep(Duration::from_millis(500));
    killed.kill().unwrap();
    killed.wait().unwrap();
    let faults = format!("{}/sandbox/faults", week.sandbox.url);
    put(&faults, r#"{"refuse":"number"}"#);
    week.forward(&day(4), &[]);
    put(&faults, "{}");
    week.forward(&day(5), &["Viewed"]);
    week.forward(&day(6), &[]);
    let before = 2 * EVENTS + EVENTS / 2 + EVENTS * 8 / 10 + EVENTS;
    week.wait_for(before);
    let mut today = String::new();
    let address = program::steady_place();
    let mut down = week.start(&format!("ws://{address}/feed"));
    std::thread::sleep(Duration::from_millis(1_500));
    for number in 7 * EVENTS..7 * EVENTS + 5 {
        let _ = writeln!(today, "{}", event(number, "Bought", time::now()));
    }
    std::thread::sleep(Duration::from_millis(1_500));
    program::signal("TERM", down.id());
    down.wait().unwrap();
    std::fs::write(week.path("today.ndjson"), today).unwrap();
    before
}

fn put(url: &str, body: &str) {
    program::request("PUT", url, body);
}

fn assert_counts(report: &Value, expected: &[(&str, i64)]) {
    for (name, count) in expected {
        assert_eq!(report[name], *count, "{name}: {report:#}");
    }
}

#[test]
fn what_an_audit_finds_missing_is_delivered_once_and_the_next_audit_is_clean() {
    let week = Week::new();
    let delivered = live_through(&week);
    let (missing, dead, filtered) = (EVENTS + EVENTS / 2 + 5, EVENTS, EVENTS * 2 / 10);
    let all = missing + dead + filtered + delivered;
    let found = [
        ("in_export", all),
        ("missing", missing),
        ("dead_letters", dead),
        ("filtered", filtered),
        ("delivered", delivered),
        ("extra", 0),
    ];
    let output = week.audit(&[]);
    let report = json(&output);
    assert_counts(&report, &found);
    assert_eq!(output.status.code(), Some(1));
    let gaps = report["gaps"].as_array().unwrap();
    let today = gaps.iter().find(|gap| gap["events"] == 5).unwrap();
    let cause = today["cause"].as_str().unwrap();
    assert!(cause.contains("the feed was down"), "{cause}");

    // A dry run says what it would do, and changes nothing.
    let kinds = ["--deliver", "missing,dead,filtered-now-accepted"];
    let dry = week.audit(&kinds);
    let says = String::from_utf8_lossy(&dry.stderr).into_owned();
    let plan = format!(
        "to deliver: {} events ({missing} missing; {dead} dead letters; {filtered} filtered out then",
        missing + dead + filtered
    );
    assert!(
        says.contains(&plan) && says.contains("nothing was sent"),
        "{says}"
    );
    assert_counts(&json(&dry), &found);
    assert_eq!(dry.status.code(), Some(1));
    assert_eq!(week.at_sandbox()["events"], delivered);

    let real = week.audit(&[&kinds[..], &["--gate", "open"]].concat());
    let says = String::from_utf8_lossy(&real.stderr).into_owned();
    assert!(real.status.success(), "{says}");
    let clean = [
        ("in_export", all),
        ("delivered", all),
        ("missing", 0),
        ("dead_letters", 0),
    ];
    assert_counts(&json(&real), &clean);
    assert_each_once_in_order(&week, all, delivered);
    let after = week.audit(&kinds);
    assert_counts(&json(&after), &clean);
    let says = String::from_utf8_lossy(&after.stderr).into_owned();
    assert!(
        after.status.success() && says.contains("nothing is delivered"),
        "{says}"
    );
    assert!(!week.path("spool-backfill/deliver.ndjson").exists());
}

/// Asserts that Customer.io has each event once, and that what was delivered after the audit came in the
/// order of each person's events.
fn assert_each_once_in_order(week: &Week, all: i64, delivered: i64) {
    let counts = week.at_sandbox();
    assert_eq!(
        (&counts["events"], &counts["duplicates"]),
        (&all.into(), &0.into())
    );
    let (mut seen, mut late) = (BTreeMap::new(), 0);
    for person in 0..PEOPLE {
        let events = get(&format!(
            "{}/sandbox/people/u-{person}/events",
            week.sandbox.url
        ));
        let numbers: Vec<i64> = events
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["attributes"]["number"].as_i64().unwrap())
            .collect();
        for number in &numbers {
            *seen.entry(*number).or_insert(0) += 1;
        }
        let was_late = |number: &&i64| {
            let (day, index) = (*number / EVENTS, *number % EVENTS);
            match day {
                2 | 4 | 7 => true,
                3 => index >= EVENTS / 2,
                5 => index % 10 < 2,
                _ => false,
            }
        };
        let of_delivery: Vec<i64> = numbers.iter().filter(was_late).copied().collect();
        assert!(of_delivery.is_sorted(), "u-{person}: {of_delivery:?}");
        late += of_delivery.len() as i64;
    }
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    assert_eq!((seen.len() as i64, late), (all, all - delivered));
}

#[test]
fn a_delivery_is_refused_while_another_plays_and_without_credentials() {
    let week = Week::new();
    let file = week.file(0, "day-0.ndjson", 0..EVENTS);
    week.forward(&file, &[]);
    for day in 1..7 {
        week.file(day, &format!("day-{day}.ndjson"), 0..1);
    }
    std::fs::write(week.path("today.ndjson"), "").unwrap();
    let held = std::fs::File::create({
        std::fs::create_dir_all(week.path("spool-backfill")).unwrap();
        week.path("spool-backfill/deliver.ndjson")
    });
    let held = held.unwrap();
    held.lock().unwrap();
    let refused = week.audit(&["--deliver", "missing"]);
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(says.contains("another audit delivers"), "{says}");
    assert_eq!(refused.status.code(), Some(2));
    drop(held);
    // A running forwarder is no obstacle, but the operator is told of its filters.
    let mut forwarder = week.start("ws://127.0.0.1:9/feed");
    std::thread::sleep(Duration::from_millis(1_500));
    let beside = week.audit(&["--deliver", "missing", "--gate", "open"]);
    let says = String::from_utf8_lossy(&beside.stderr).into_owned();
    assert!(says.contains("forwards to this workspace"), "{says}");
    assert!(beside.status.success(), "{says}");
    forwarder.kill().unwrap();
    forwarder.wait().unwrap();
    assert_eq!(week.at_sandbox()["events"], EVENTS + 6);
}
