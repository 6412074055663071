//! `status`, `config` and `dead-letters`: their output is complete and correct.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;
#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use program::{
    Running, Serving, post, replay, run, run_on, sandbox, sluicegate, state_home, steady_place,
    summary,
};
use serde_json::{Value, json};
use sluicegate::customerio::sandbox::Faults;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn without_a_configuration_status_names_the_missing_setting_and_lists_existing_spools() {
    let home = state_home();
    let asked = |command: &str, more: &[&str]| {
        let mut command = {
            let mut asked = sluicegate();
            asked.arg(command);
            asked
        };
        let output = command.args(more).env("XDG_STATE_HOME", &home).output();
        let output = output.unwrap();
        (output.status.code(), said(&output))
    };
    for (command, more) in [("status", &[][..]), ("dead-letters", &["list"][..])] {
        let (code, says) = asked(command, more);
        assert_eq!(code, Some(2), "{says}");
        assert!(says.contains("customerio.site_id is not set"), "{says}");
        assert!(
            says.contains("--spool") && says.contains("none yet"),
            "{says}"
        );
        assert!(
            !says.contains("spool-;") && !says.contains("spool- "),
            "{says}"
        );
    }
    // A spool that a forwarder left is listed, and can be chosen.
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("events.ndjson");
    fs::write(
        &events,
        r#"{"event_type":"A","user_id":"u","time":1700000000000}"#,
    )
    .unwrap();
    let (sandbox, feed) = (sandbox(&[]), replay(&events, &[]));
    let mut forwarder = run(&feed.url, &sandbox.url);
    let output = forwarder.env("XDG_STATE_HOME", &home).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let (code, says) = asked("status", &[]);
    assert_eq!(code, Some(2), "{says}");
    let at = says.find("there: ").unwrap() + "there: ".len();
    let spool = says[at..].split(')').next().unwrap();
    assert!(spool.contains("spool-site@"), "{says}");
    let (code, says) = asked("status", &["--spool", spool]);
    assert_eq!(code, Some(1), "nothing runs: {says}");
    assert!(says.contains(spool), "{says}");
}

#[test]
fn a_setting_that_is_set_to_its_default_is_not_shown_as_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.toml");
    let config = |args: &[&str]| {
        let mut command = sluicegate();
        command.arg("--config").arg(&path).arg("config").args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    config(&["init"]);
    let shown = config(&["show", "--changed"]);
    assert_eq!(shown, "# every setting has its default\n");
    assert!(config(&["show"]).lines().count() > 40);
    let written = fs::read_to_string(&path).unwrap();
    let changed = written.replacen("gate = \"shut\"", "gate = \"dry-run\"", 1);
    assert_ne!(written, changed);
    let changed = changed.replacen("\n[types]\n", "\n[types]\nNoise = \"off\"\n", 1);
    fs::write(&path, changed).unwrap();
    let shown = config(&["show", "--changed"]);
    let names: Vec<&str> = shown
        .lines()
        .filter_map(|l| l.split(" = ").next())
        .collect();
    assert_eq!(names, ["gate", "types"], "{shown}");
    assert!(shown.contains("s.toml"), "where it was set: {shown}");
}

/// Returns the only dead letter of a spool, as text and as JSON.
fn exported(spool: &Path) -> (String, Value) {
    let mut command = sluicegate();
    command.args(["dead-letters", "export", "--all", "--spool"]);
    let output = command.arg(spool).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let letter = serde_json::from_str(&text).unwrap();
    (text, letter)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_of_an_exported_dead_letter_is_accepted_unchanged() {
    let now = sluicegate::amplitude::time::now();
    // A small event for v2, and one for v1 that is too large for a batch item.
    for (filler, path) in [
        (10, "/api/v2/batch"),
        (40_000, "/api/v1/customers/u-1/events"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let events = dir.path().join("events.ndjson");
        let event = format!(
            r#"{{"event_type":"Signup","user_id":"u-1","insert_id":"i","time":{now},"event_properties":{{"exact":1234567890123456789.000100,"filler":"{}"}}}}"#,
            "x".repeat(filler)
        );
        fs::write(&events, event).unwrap();
        let down = Faults {
            fail_share: 1.0,
            ..Faults::default()
        };
        let sandbox = common::sandbox(down).await;
        let feed = replay(&events, &[]);
        let spool = dir.path().join("spool");
        let mut forwarder = run(&feed.url, &sandbox.url());
        forwarder
            .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key")
            .env("SLUICEGATE_DELIVERY_ATTEMPTS", "1")
            .env("SLUICEGATE_SPOOL_FOLDER", &spool);
        let output = forwarder.output().unwrap();
        assert_eq!(summary(&output)["spool"]["letters"], 1, "{}", said(&output));
        let (text, letter) = exported(&spool);
        assert_eq!(
            (&letter["method"], &letter["path"]),
            (&json!("POST"), &json!(path))
        );
        assert!(
            text.contains(":1234567890123456789.000100,"),
            "digit for digit: {path}"
        );
        // Later the destination accepts it.
        sandbox.set_faults(Faults::default());
        let body = text.split_once("\"request\":").unwrap().1.trim_end();
        let body = body.strip_suffix('}').unwrap().to_owned();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.post(format!("{}{path}", sandbox.url()));
        let request = request.basic_auth("site", Some("key")).body(body);
        let answer = request
            .header("content-type", "application/json")
            .send()
            .await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        assert_eq!(sandbox.events_of("u-1").len(), 1);
    }
}

/// Returns the output of `status` in this format.
fn status(spool: &Path, format: &str) -> String {
    let mut command = sluicegate();
    command.args(["status", "--format", format, "--spool"]);
    let output = command.arg(spool).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until `done` holds for the status, and returns it. Panics with `what` after 20 seconds.
fn until_status(spool: &Path, what: &str, done: &dyn Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let told = serde_json::from_str(&status(spool, "json")).unwrap_or_default();
        if done(&told) {
            return told;
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{what}: {told}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn status_shows_what_the_last_reconnect_of_the_feed_covered() {
    let dir = tempfile::tempdir().unwrap();
    let place = steady_place().to_string();
    let relay = || {
        let mut command = sluicegate();
        command.args(["relay", "--headless", "--retain", "1h", "--listen", &place]);
        Serving::start(command.arg("--folder").arg(dir.path().join("relay")))
    };
    let event = r#"{"event_type":"A","user_id":"u"}"#;
    let first = relay();
    let sandbox = sandbox(&[]);
    let spool = dir.path().join("spool");
    let mut forwarder = run_on(&format!("ws://{place}/feed"), &sandbox.url);
    forwarder
        .env("SLUICEGATE_SPOOL_FOLDER", &spool)
        .env("SLUICEGATE_FEED_RECONNECT_MIN", "20ms")
        .env("SLUICEGATE_FEED_RECONNECT_MAX", "50ms");
    let _forwarder = Running::start(&mut forwarder);
    let until = |what: &str, done: &dyn Fn(&Value) -> bool| until_status(&spool, what, done);
    until("it is live", &|told| {
        told["status"]["feed_status"]["connects"] == 1
    });
    post(&format!("http://{place}/webhook"), event);
    let told = until("one came", &|told| {
        told["status"]["totals"]["received"] == 1
    });
    assert_eq!(told["status"]["feed_status"]["resumed"], Value::Null);
    drop(first);
    let _second = relay();
    post(&format!("http://{place}/webhook"), event);
    let told = until("another came", &|told| {
        told["status"]["totals"]["received"] == 2
    });
    let resumed = told["status"]["feed_status"]["resumed"].as_str().unwrap();
    assert!(
        resumed.contains("between the last message and the next"),
        "{resumed}"
    );
    let text = status(&spool, "text");
    let line = text
        .lines()
        .find(|line| line.starts_with("  resumed"))
        .unwrap();
    assert!(
        line.contains("between the last message and the next"),
        "{text}"
    );
}
