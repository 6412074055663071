//! The log of a relay: no accepted event is lost, whatever is killed when.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use sluicegate::feed::log::{Log, Retention};
use sluicegate::relay::Relay;
use tokio::net::TcpListener;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Request;

use crate::program::{self, Serving, get, sluicegate, steady_place};
use crate::{http, next, open, subscribed};

/// A relay with a log in `folder`, at this address.
pub(crate) fn retaining(folder: &Path, place: SocketAddr) -> Serving {
    let mut command = sluicegate();
    command
        .args([
            "relay",
            "--retain",
            "1h",
            "--listen",
            &place.to_string(),
            "--folder",
        ])
        .arg(folder);
    Serving::start(&mut command)
}

/// The subscription of a client with a name.
fn named_client(feed: &str) -> Request<()> {
    let mut request = feed.into_client_request().unwrap();
    let name = "me".parse().unwrap();
    request.headers_mut().insert("x-client-name", name);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_events_survive_a_kill_for_clients_that_were_away() {
    let folder = tempfile::tempdir().unwrap();
    let place = steady_place();
    let feed = format!("ws://{place}/feed");
    let http = http();
    let post = |from: u64, upto: u64| {
        let event = |n| format!(r#"{{"event_type":"A","user_id":"u","time":{n}}}"#);
        let events: Vec<String> = (from..upto).map(event).collect();
        let request = http.post(format!("http://{place}/webhook"));
        let request = request.body(format!("[{}]", events.join(",")));
        async move { assert_eq!(request.send().await.unwrap().status(), 200) }
    };
    let named = || named_client(&feed);
    let relay = retaining(folder.path(), place);
    let (mut client, _) = connect_async(named()).await.unwrap();
    post(0, 500).await;
    let mut last = Value::Null;
    for n in 0..10 {
        last = next(&mut client).await;
        assert_eq!(last["time"], n);
    }
    let id = last["message_id"].as_str().unwrap().to_owned();
    let acknowledged = json!({ "message_id": id }).to_string();
    client.send(Message::text(acknowledged)).await.unwrap();
    // What it says next is written after that.
    tokio::time::sleep(Duration::from_millis(200)).await;
    post(500, 501).await;
    drop(client);
    // It is killed, not asked to end.
    drop(relay);
    let relay = retaining(folder.path(), place);
    post(501, 600).await;
    let asked = format!("{feed}?last_received={id}");
    let (by_query, _) = connect_async(asked).await.unwrap();
    let (by_name, _) = connect_async(named()).await.unwrap();
    for mut client in [by_query, by_name] {
        let mut before = id.clone();
        for n in 10..600 {
            let event = next(&mut client).await;
            assert_eq!(event["time"], n, "in order, each once, over the restart");
            let id = event["message_id"].as_str().unwrap().to_owned();
            assert!(id > before);
            before = id;
        }
        // And goes on with what comes.
        post(0, 1).await;
        assert_eq!(next(&mut client).await["time"], 0);
    }
    let taken = sluicegate()
        .args([
            "relay",
            "--retain",
            "1h",
            "--listen",
            "127.0.0.1:0",
            "--folder",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    let says = String::from_utf8_lossy(&taken.stderr);
    assert!(says.contains("are in use by another process"), "{says}");
    drop(relay);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_catches_up_from_the_log_while_new_events_arrive() {
    const ALL: u64 = 6_000;
    let folder = tempfile::tempdir().unwrap();
    let keep = Retention {
        age: Duration::from_secs(600),
        bytes: 1 << 30,
    };
    let log = Log::open(folder.path(), keep).unwrap();
    let mut options = open();
    // Some hundred messages: whoever is away for a moment needs the log.
    options.feed.ring_bytes = 50_000;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let relay = Relay::start(listener, options, Some(log)).unwrap();
    let sending = {
        let relay = relay.clone();
        tokio::spawn(async move {
            let (http, url) = (http(), format!("{}/webhook", relay.url()));
            for n in (0..ALL).step_by(20) {
                let event = |n| format!(r#"{{"event_type":"A","user_id":"u","time":{n}}}"#);
                let events: Vec<String> = (n..n + 20).map(event).collect();
                let body = format!("[{}]", events.join(","));
                let answer = http.post(&url).body(body).send().await.unwrap();
                assert_eq!(answer.status(), 200);
            }
        })
    };
    let (mut seen, mut last) = (Vec::new(), String::new());
    while seen.len() < ALL as usize {
        let mut client = subscribed(&relay, &format!("?last_received={last}")).await;
        let upto = seen.len() + 600;
        while seen.len() < upto.min(ALL as usize) {
            let event = next(&mut client).await;
            seen.push(event["time"].as_u64().unwrap());
            event["message_id"].as_str().unwrap().clone_into(&mut last);
        }
        drop(client);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    sending.await.unwrap();
    assert!(
        seen == (0..ALL).collect::<Vec<u64>>(),
        "each once, in order"
    );
    let standing = relay.status();
    assert_eq!(standing.log.unwrap().usage.messages, ALL);
    assert!(standing.ring.messages < 1_000, "{:?}", standing.ring);
}

/// Sends events one by one. Like Amplitude, retries each until it is accepted.
async fn send_all(place: SocketAddr, sender: u64, count: u64) {
    let http = http();
    let now = sluicegate::amplitude::time::now();
    for n in 0..count {
        let event = json!({
            "event_type": "A", "user_id": format!("u-{sender}"), "time": now,
            "device_id": "d", "insert_id": format!("{sender}-{n}"),
        });
        loop {
            let request = http.post(format!("http://{place}/webhook"));
            let answer = request.body(event.to_string()).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_accepted_event_arrives_once_whatever_is_killed_when() {
    const SENDERS: u64 = 4;
    const EACH: u64 = 250;
    let folder = tempfile::tempdir().unwrap();
    let (place, state) = (steady_place(), folder.path().join("state"));
    let sandbox = program::sandbox(&[]);
    let forwarder = || {
        let mut command = program::run_on(&format!("ws://{place}/feed"), &sandbox.url);
        command
            .env("XDG_STATE_HOME", &state)
            .env("SLUICEGATE_FEED_RECONNECT_MAX", "100ms")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        command.spawn().unwrap()
    };
    let log = folder.path().join("log");
    let mut relay = Some(retaining(&log, place));
    let mut forwarding = forwarder();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| tokio::spawn(send_all(place, sender, EACH)))
        .collect();
    let counted = |name: &str| get(&format!("{}/sandbox/counts", sandbox.url))[name].as_u64();
    // Before the first commit of its life a forwarder knows no message to resume from.
    while counted("events") < Some(1) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..5 {
        let pause = || Duration::from_millis(rand::random_range(50..500));
        tokio::time::sleep(pause()).await;
        drop(relay.take());
        relay = Some(retaining(&log, place));
        tokio::time::sleep(pause()).await;
        forwarding.kill().unwrap();
        forwarding.wait().unwrap();
        forwarding = forwarder();
    }
    for sender in senders {
        sender.await.unwrap();
    }
    let started = std::time::Instant::now();
    while counted("events") < Some(SENDERS * EACH) {
        let counts = get(&format!("{}/sandbox/counts", sandbox.url));
        assert!(started.elapsed() < Duration::from_secs(30), "{counts}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(counted("events"), Some(SENDERS * EACH));
    forwarding.kill().unwrap();
    forwarding.wait().unwrap();
}
