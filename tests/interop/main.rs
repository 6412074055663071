//! What others have written, against a relay: Amplitude's own SDKs send to it, and plain
//! WebSocket clients read it. These need Node.js and Python with the packages that
//! `.ci/interop` installs, so they run only when asked for.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "../common/program.rs"]
mod program;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use program::{Serving, get, sluicegate};
use serde_json::{Value, json};

/// Where `.ci/interop` puts what they need.
fn tools() -> PathBuf {
    match std::env::var_os("SLUICEGATE_INTEROP_TOOLS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/interop"),
    }
}

fn script(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
    tests.join(name)
}

fn node(name: &str, relay: &str) -> Command {
    let mut command = Command::new("node");
    command
        .arg(script(name))
        .arg(relay)
        .env("NODE_PATH", tools().join("node_modules"));
    command
}

fn python(name: &str) -> Command {
    let mut command = Command::new(tools().join("python/bin/python"));
    command.arg(script(name)).env("PYTHONUNBUFFERED", "1");
    command
}

fn succeeded(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; .ci/interop installs what is needed")
    });
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {says}");
    output
}

fn relay() -> Serving {
    Serving::start(sluicegate().args(["relay", "--listen", "127.0.0.1:0"]))
}

fn feed_of(relay: &Serving) -> String {
    format!("{}/feed", relay.url.replace("http://", "ws://"))
}

/// A relay, a sandbox, and a forwarder between them.
struct Way {
    relay: Serving,
    sandbox: Serving,
    forwarder: Child,
}

impl Way {
    fn new() -> Self {
        let (relay, sandbox) = (relay(), program::sandbox(&[]));
        let forwarder = program::run_on(&feed_of(&relay), &sandbox.url)
            // What the SDKs' `identify` sets becomes the person's.
            .env("SLUICEGATE_MAPPING_SEND_USERS", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It is there before the first event, or would begin behind it.
        let clients = || get(&format!("{}/healthz", relay.url))["clients"] == 1;
        wait("the forwarder to come", clients);
        Self {
            relay,
            sandbox,
            forwarder,
        }
    }

    /// Waits until the person that the SDK identified is.
    fn identified(&self) {
        let url = format!("{}/sandbox/counts", self.sandbox.url);
        wait("the identify", || get(&url)["identifies"] == 1);
    }

    /// The events of a person, once so many have arrived.
    fn events(&self, person: &str, count: usize) -> Vec<Value> {
        let url = format!("{}/sandbox/people/{person}/events", self.sandbox.url);
        let read = || match get(&url) {
            Value::Array(events) => events,
            other => panic!("{other}"),
        };
        wait(person, || read().len() >= count);
        let events = read();
        assert_eq!(events.len(), count, "{person}");
        events
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        let _ = self.forwarder.kill();
        let _ = self.forwarder.wait();
    }
}

fn wait(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the SDK was given is what arrives, types and order too.
fn assert_unchanged(events: &[Value], name: &str, numbered: bool) {
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event["name"], name, "{event}");
        let data = &event["attributes"];
        assert_eq!(data["total"], json!(1.5), "{event}");
        assert_eq!(data["items"], json!(["a", {"b": null}]), "{event}");
        assert_eq!(data["note"], "é\u{2028}\"", "{event}");
        assert!(!numbered || data["n"] == n, "in order: {event}");
    }
}

#[test]
#[ignore = "needs Node.js and Amplitude's SDK for it: .ci/interop"]
fn events_of_the_sdk_for_node_arrive_unchanged() {
    let way = Way::new();
    succeeded(&mut node("node.js", &way.relay.url));
    assert_unchanged(&way.events("node-1", 50), "Node Event", true);
    assert_unchanged(&way.events("node-2", 1), "Node Batch", false);
    way.identified();
}

#[test]
#[ignore = "needs Node.js and Amplitude's SDK for browsers: .ci/interop"]
fn events_of_the_transport_for_browsers_arrive_unchanged() {
    let way = Way::new();
    succeeded(&mut node("browser.js", &way.relay.url));
    let events = way.events("browser-1", 41);
    assert_eq!(events[0]["attributes"]["total"], json!(1.5));
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event["attributes"]["n"], n, "{event}");
    }
}

#[test]
#[ignore = "needs Python and Amplitude's SDK for it: .ci/interop"]
fn events_of_the_sdk_for_python_arrive_unchanged() {
    let way = Way::new();
    succeeded(python("sdk.py").arg(&way.relay.url));
    assert_unchanged(&way.events("python-1", 50), "Python Event", true);
    assert_unchanged(&way.events("python-2", 1), "Python Batch", false);
    way.identified();
}

/// A relay that has so many events, numbered by their times.
fn filled(count: u64) -> Serving {
    let relay = relay();
    let event = |n| json!({"event_type": "A", "user_id": "u", "time": n});
    let events: Vec<Value> = (0..count).map(event).collect();
    let url = format!("{}/webhook", relay.url);
    let answer = program::post(&url, &json!(events).to_string());
    assert_eq!(answer["events_ingested"], count);
    relay
}

fn numbers(output: &str) -> Vec<u64> {
    output.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
#[ignore = "needs Python and its websockets: .ci/interop"]
fn a_plain_client_in_python_reads_the_feed_and_resumes() {
    let relay = filled(1_000);
    let output = succeeded(python("reader.py").args([&feed_of(&relay), "1000"]));
    let read = numbers(&String::from_utf8_lossy(&output.stdout));
    assert!(read == (0..1_000).collect::<Vec<u64>>());
}

#[test]
#[ignore = "needs websocat: .ci/interop"]
fn websocat_reads_the_feed() {
    let relay = filled(1_000);
    let feed = format!("{}?last_received=&types=A", feed_of(&relay));
    let mut command = Command::new(tools().join("bin/websocat"));
    command.args(["-q", &feed]);
    // It closes where its standard input ends.
    let mut reading = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; .ci/interop installs it"));
    let out = std::io::BufReader::new(reading.stdout.take().unwrap());
    let events = serde_json::Deserializer::from_reader(out).into_iter::<Value>();
    let times: Vec<u64> = events
        .take(1_000)
        .map(|event| event.unwrap()["time"].as_u64().unwrap())
        .collect();
    reading.kill().unwrap();
    reading.wait().unwrap();
    assert!(times == (0..1_000).collect::<Vec<u64>>());
}
