//! The control API of a relay.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::bench::{json_of, out};
use crate::common::nowhere;
use crate::forwarder::said;
use crate::metrics::{get, http, sample};
use crate::program::{Serving, sluicegate};

/// A relay with its log and its control socket in `folder`, and its control API on `listen`.
fn relay(folder: &str, listen: &str) -> Serving {
    let mut command = sluicegate();
    command
        .args(["relay", "--listen", "127.0.0.1:0", "--retain", "1h"])
        .env("SLUICEGATE_RELAY_FOLDER", folder)
        .env("SLUICEGATE_CONTROL_LISTEN", listen);
    Serving::start(&mut command)
}

fn ctl(folder: &str, args: &[&str]) -> Output {
    let mut command: Command = sluicegate();
    command.args(["ctl", "--relay"]).args(args);
    command.env("SLUICEGATE_RELAY_FOLDER", folder);
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_tells_its_state_its_metrics_and_whether_it_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().display().to_string();
    let listen = nowhere().to_string();
    let relay = relay(&folder, &listen);
    let event = r#"{"event_type":"A","user_id":"u-1"}"#;
    let client = http();
    for body in [event, event, "{"] {
        let url = format!("{}/webhook", relay.url);
        client.post(url).body(body).send().await.unwrap();
    }
    let url = |path: &str| format!("http://{listen}{path}");
    let ready = json!({ "ready": true, "log": true, "listener": true });
    let (code, text) = get(&url("/readyz")).await;
    assert_eq!(
        (code, serde_json::from_str::<Value>(&text).unwrap()),
        (200, ready)
    );
    assert_eq!(get(&url("/healthz")).await.0, 200);
    let (code, text) = get(&url("/metrics")).await;
    assert_eq!(code, 200);
    for (name, value) in [
        ("sluicegate_relay_events_received_total", 2.0),
        ("sluicegate_relay_requests_refused_total", 1.0),
        ("sluicegate_relay_clients", 0.0),
        ("sluicegate_relay_log_enabled", 1.0),
        ("sluicegate_relay_log_faulty", 0.0),
        ("sluicegate_relay_log_messages", 2.0),
    ] {
        assert!((sample(&text, name) - value).abs() < 0.1, "{name}: {text}");
    }
    let status = json_of(&ctl(&folder, &["status", "--format", "json"]));
    assert_eq!(
        (&status["received"], &status["refused"]),
        (&json!(2), &json!(1))
    );
    let status = out(&ctl(&folder, &["status"]));
    assert!(
        status.contains(&relay.url) && status.contains("received 2  refused 1  clients 0"),
        "{status}"
    );
    let refused = ctl(&folder, &["gate", "open", "--yes"]);
    assert_ne!(refused.status.code(), Some(0), "{refused:?}");
    // Web pages are refused as by a forwarder.
    let page = client
        .get(url("/metrics"))
        .header("origin", "https://evil.example");
    assert_eq!(page.send().await.unwrap().status().as_u16(), 403);
    let socket = dir.path().join("control.sock");
    assert!(socket.exists());
    assert_eq!(relay.end().0, Some(0));
    assert!(!socket.exists(), "it is removed at the end");
    let gone = ctl(&folder, &["status"]);
    assert_eq!(gone.status.code(), Some(2));
    assert!(said(&gone).contains("no relay listens on"), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_relay_leaves_the_socket_of_the_first_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().display().to_string();
    let start = || {
        let mut command = sluicegate();
        command.args(["relay", "--listen", "127.0.0.1:0"]);
        command.env("SLUICEGATE_RELAY_FOLDER", &folder);
        Serving::start(command.stderr(std::process::Stdio::piped()))
    };
    let first = start();
    let second = start();
    let status = out(&ctl(&folder, &["status"]));
    assert!(status.contains(&first.url), "{status}");
    second.end();
    assert!(dir.path().join("control.sock").exists());
    let status = out(&ctl(&folder, &["status"]));
    assert!(status.contains(&first.url), "{status}");
    assert!(!fs::read_dir(dir.path()).unwrap().any(|entry| {
        let name = entry.unwrap().file_name();
        name != "control.sock"
    }));
}
