//! Alerts of a forwarder without a screen, against a real HTTP server and a real command.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

mod common;
#[path = "common/forwarder.rs"]
mod forwarder;
#[path = "common/hangup.rs"]
mod hangup;
#[path = "common/program.rs"]
mod program;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use common::{event, feed, feed_at, nowhere, sandbox, until};
use forwarder::forwarder;
use hangup::Logged;
use program::sluicegate;
use serde_json::Value;
use sluicegate::customerio::sandbox::Faults;

/// A receiver of webhooks at an address, which answers each with `status`. Returns the bodies.
fn receiver(at: SocketAddr, status: &'static str) -> Receiver<Value> {
    let listener = TcpListener::bind(at).unwrap();
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            while line != "\r\n" {
                line.clear();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
                let lower = line.to_lowercase();
                if let Some(bytes) = lower.strip_prefix("content-length:") {
                    length = bytes.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                continue;
            }
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = reader.get_mut().write_all(answer.as_bytes());
            if sender.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    bodies
}

fn next(bodies: &Receiver<Value>) -> Value {
    bodies.recv_timeout(Duration::from_secs(30)).unwrap()
}

/// Settings with two alerts about the feed: the first by a webhook and a command, which writes into the file
/// `told`; the second for a team's chat.
fn two_alerts(folder: &Path, json: SocketAddr, slack: SocketAddr) -> String {
    let told = folder.join("told");
    let config = folder.join("s.toml");
    let text = format!(
        r#"
        [[alerts]]
        name = "no feed"
        when = "feed-down"
        for = "0s"
        repeat = "1s"
        webhook = "http://{json}/hook?token=a-secret"
        command = ["sh", "-c", "echo \"$SLUICEGATE_ALERT_STATUS: $SLUICEGATE_ALERT_TEXT\" >> '{}'"]

        [[alerts]]
        name = "no feed, for the team"
        when = "feed-down"
        for = "0s"
        repeat = "0s"
        webhook = "http://{slack}/"
        format = "slack"
        "#,
        told.display()
    );
    fs::write(&config, text).unwrap();
    config.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_fires_repeats_and_recovers_by_webhook_command_and_log() {
    let dir = tempfile::tempdir().unwrap();
    let (feed, json, slack) = (nowhere(), nowhere(), nowhere());
    let told = dir.path().join("told");
    let config = two_alerts(dir.path(), json, slack);
    let sandbox = sandbox(Faults::default()).await;
    let spool = dir.path().join("spool");
    let url = format!("ws://{feed}/feed");
    let more = [("SLUICEGATE_CONFIG", config.as_str())];
    let mut run = Logged::start(&mut forwarder(&url, &sandbox.url(), &spool, &more));
    // The feed is not there, and neither is who must be told: it is tried again.
    run.line(&["alert: "]);
    let failed = run.line(&["the webhook of the alert \"no feed\" failed"]);
    assert!(!failed.contains("a-secret"), "{failed}");
    let (json, slack) = (receiver(json, "200 OK"), receiver(slack, "204 No Content"));
    let first = next(&json);
    assert_eq!(
        (&first["alert"], &first["status"]),
        (&"no feed".into(), &"firing".into())
    );
    assert_eq!(first["state"], "feed-down");
    assert!(first["since"].as_str().unwrap().ends_with('Z'), "{first}");
    assert_eq!(next(&json)["status"], "still firing");
    let for_team = next(&slack);
    let says = for_team["text"].as_str().unwrap();
    assert!(
        says.contains("no feed, for the team: the feed is"),
        "{says}"
    );
    assert_eq!(for_team.as_object().unwrap().len(), 1);
    let server = feed_at(feed).await;
    until("it reads the feed", || server.clients() > 0).await;
    let recovered = loop {
        let body = next(&json);
        if body["status"] != "still firing" {
            break body;
        }
    };
    assert_eq!(recovered["status"], "recovered");
    let recovered = next(&slack)["text"].as_str().unwrap().to_owned();
    assert!(recovered.contains("recovered after"), "{recovered}");
    // Events went on all the time.
    server.publish(&event("u-1", 1)).await;
    until("an event arrives", || !sandbox.events_of("u-1").is_empty()).await;
    let told = fs::read_to_string(told).unwrap();
    let told: Vec<&str> = told.lines().collect();
    assert!(told[0].starts_with("firing: ["), "{told:?}");
    assert!(told.last().unwrap().starts_with("recovered: ["), "{told:?}");
    assert_eq!(run.ends(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_condition_fires_above_its_number_and_recovers_when_its_time_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let hook = nowhere();
    let config = dir.path().join("s.toml");
    let text = format!(
        r#"
        [[alerts]]
        name = "one person"
        when = "watch"
        condition = 'user_id == "u-1"'
        over = 10
        within = "4s"
        for = "0s"
        repeat = "0s"
        webhook = "http://{hook}/"
        "#
    );
    fs::write(&config, text).unwrap();
    let bodies = receiver(hook, "200 OK");
    let (feed, sandbox) = (feed().await, sandbox(Faults::default()).await);
    let config = config.display().to_string();
    let more = [("SLUICEGATE_CONFIG", config.as_str())];
    let spool = dir.path().join("spool");
    let mut run = forwarder(&feed.url(), &sandbox.url(), &spool, &more);
    let run = Logged::start(&mut run);
    let send = async |person: &str, count: u64| {
        for number in 0..count {
            feed.publish(&event(person, number)).await;
        }
    };
    // Many of others, and as many as are allowed of the person.
    send("u-2", 50).await;
    send("u-1", 10).await;
    let none = bodies.recv_timeout(Duration::from_secs(6));
    assert!(none.is_err(), "{none:?}");
    send("u-1", 12).await;
    let fires = next(&bodies);
    assert_eq!(
        (&fires["state"], &fires["status"]),
        (&"watch".into(), &"firing".into())
    );
    let says = fires["message"].as_str().unwrap();
    assert!(
        says.ends_with(" events in 4.0 s matched user_id == \"u-1\""),
        "{says}"
    );
    assert_eq!(next(&bodies)["status"], "recovered");
    assert_eq!(run.ends(), 0);
}

#[test]
fn an_alert_that_is_not_complete_is_told_before_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("s.toml");
    let check = |text: &str| {
        fs::write(&config, format!("[[alerts]]\nname = \"a\"\n{text}\n")).unwrap();
        let mut command = sluicegate();
        command.args(["config", "check", "--config"]).arg(&config);
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    for (text, expected) in [
        ("when = \"spool-over\"", "such as over = \"80%\""),
        (
            "when = \"queue-older-than\"\nover = \"soon\"",
            "such as over = \"15m\"",
        ),
        (
            "when = \"dead-letters-over\"\nover = \"5%\"",
            "such as over = 100",
        ),
        ("when = \"feed-down\"\nover = 1", "has no `over`"),
        (
            "when = \"feed-down\"\nwebhook = \"hooks.example.com\"",
            "begins with https://",
        ),
        ("when = \"watch\"\nover = 5", "a watch needs a condition"),
        (
            "when = \"watch\"\nover = 5\ncondition = \"user_id ==\"",
            "the condition can't be used",
        ),
        ("when = \"feed-gone\"", "feed-gone"),
        ("when = \"feed-down\"\nfro = \"1m\"", "fro"),
        ("", "when"),
    ] {
        let (passes, said) = check(text);
        assert!(!passes && said.contains("alerts"), "{text}: {said}");
        assert!(said.contains(expected), "{text}: {said}");
    }
    let (_, said) =
        check("when = \"queue-older-than\"\nover = \"15m\"\nwebhook = \"https://x/a-secret\"");
    assert!(!said.contains("alerts"), "{said}");
    let mut command = sluicegate();
    command.args(["config", "show", "--config"]).arg(&config);
    let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(
        shown.contains("queue-older-than") && !shown.contains("a-secret"),
        "{shown}"
    );
}
