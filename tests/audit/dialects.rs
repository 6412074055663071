//! The same events by webhook, from SDKs through the relay, and in the export.

use std::fmt::Write as _;
use std::process::Stdio;

use serde_json::json;
use sluicegate::amplitude::time;

use super::{audit, json};
use crate::program::{self, Serving, sluicegate};

/// An event as the export and webhooks have it. Amplitude corrected the device's clock, and gave a uuid.
fn exported(number: u32, device_ms: i64, uuid: &str) -> String {
    let (event_time, device_time) = (
        time::to_export(device_ms + 7_500),
        time::to_export(device_ms),
    );
    json!({
        "event_type": "Bought",
        "user_id": format!("u-{number}"),
        "device_id": "d",
        "$insert_id": format!("i-{number}"),
        "event_time": event_time,
        "client_event_time": device_time,
        "processed_time": time::to_export(device_ms + 9_000),
        "event_properties": {"price": 1.5},
        "uuid": uuid,
    })
    .to_string()
}

/// The same event as an SDK sends it.
fn from_sdk(number: u32, device_ms: i64) -> String {
    let event = json!({
        "event_type": "Bought",
        "user_id": format!("u-{number}"),
        "device_id": "d",
        "insert_id": format!("i-{number}"),
        "time": device_ms,
        "event_properties": {"price": 1.5},
    });
    json!({"api_key": "key", "events": [event]}).to_string()
}

#[test]
fn events_by_webhook_and_from_sdks_are_those_of_the_export_none_missing_none_doubled() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = program::sandbox(&[]);
    let relay = Serving::start(sluicegate().args(["relay", "--listen", "127.0.0.1:0"]));
    let feed = format!("{}/feed", relay.url.replace("http://", "ws://"));
    let ledger = dir.path().join("ledger");
    let mut forwarder = program::run_on(&feed, &sandbox.url)
        .args(["--exit-when-idle", "2s"])
        .env("SLUICEGATE_LEDGER_FOLDER", &ledger)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut export, begin) = (String::new(), time::now() - 600_000);
    for number in 0..90 {
        let device_ms = begin + i64::from(number) * 1_007;
        let line = exported(number, device_ms, &format!("x-{number}"));
        // By webhook, from an SDK, and both ways.
        if number % 3 != 0 {
            program::post(&format!("{}/webhook", relay.url), &line);
        }
        if number % 3 != 1 {
            let url = format!("{}/2/httpapi", relay.url);
            program::post(&url, &from_sdk(number, device_ms));
        }
        let _ = writeln!(export, "{line}");
    }
    assert!(forwarder.wait().unwrap().success());
    let file = dir.path().join("export.ndjson");
    std::fs::write(&file, export).unwrap();
    let output = audit(&file, &ledger, &["--format", "json"]);
    let report = json(&output);
    for (name, count) in [
        ("in_export", 90),
        ("delivered", 90),
        ("missing", 0),
        ("doubled", 0),
        ("extra", 0),
        ("rejected", 0),
    ] {
        assert_eq!(report[name], count, "{name}: {report:#}");
    }
    assert!(output.status.success());
    let counts = program::get(&format!("{}/sandbox/counts", sandbox.url));
    assert_eq!(counts["events"], 90, "{counts}");
}
