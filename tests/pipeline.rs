//! A whole pipeline, from a WebSocket server to the sandbox: acknowledgements, resumption, and
//! failures of the spool and the stages.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{event, sandbox, settings, until};
use futures_util::{SinkExt, StreamExt};
use sluicegate::config::Settings;
use sluicegate::customerio::Client;
use sluicegate::customerio::sandbox::Faults;
use sluicegate::delivery::spool::Spool;
use sluicegate::feed::{Feed, FeedChannel, WebSocketFeed};
use sluicegate::pipeline::{Pipeline, ShutdownReport};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_util::sync::CancellationToken;

/// The requests and acknowledgements that a feed received.
#[derive(Debug, Default)]
struct FeedLog {
    /// The query of each connection.
    queries: Vec<String>,
    /// The number in the last acknowledgement, of `m-00042`.
    acknowledged: u64,
}

/// A feed that sends this many events to each client, each with a message id, after the message that
/// the client asks for.
async fn numbered_feed(events: u64) -> (String, Arc<Mutex<FeedLog>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}/feed", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(FeedLog::default()));
    let shared = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut query = String::new();
            #[expect(clippy::result_large_err, reason = "the handshake's own type")]
            let handshake = |request: &Request, response: Response| {
                query = request.uri().query().unwrap_or_default().to_owned();
                Ok(response)
            };
            let socket = tokio_tungstenite::accept_hdr_async(stream, handshake).await;
            let first = query
                .rsplit("%2D")
                .next()
                .and_then(|n| n.parse::<u64>().ok());
            shared.lock().unwrap().queries.push(query);
            let (mut sink, mut stream) = socket.unwrap().split();
            let shared = shared.clone();
            tokio::spawn(async move {
                for number in first.map_or(0, |n| n + 1)..events {
                    let id = format!(r#"{{"message_id":"m-{number:05}","#);
                    let text = event(&format!("u-{}", number % 9), number).replacen('{', &id, 1);
                    if sink.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
            });
            tokio::spawn(async move {
                while let Some(Ok(message)) = stream.next().await {
                    if let Message::Text(text) = message {
                        let id: serde_json::Value = serde_json::from_str(&text).unwrap();
                        let id = id["message_id"].as_str().unwrap().to_owned();
                        shared.lock().unwrap().acknowledged = id[2..].parse().unwrap();
                    }
                }
            });
        }
    });
    (url, seen)
}

fn start(settings: &Settings, folder: &Path) -> Pipeline {
    let feed = WebSocketFeed::new(settings.feed.clone()).unwrap();
    let client = Arc::new(Client::new(settings.destination().unwrap()).unwrap());
    let spool = Spool::open(folder).unwrap();
    Pipeline::start(settings, Box::new(feed), &client, spool).unwrap()
}

async fn end(pipeline: Pipeline) -> ShutdownReport {
    pipeline
        .end(Duration::from_secs(10), CancellationToken::new())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_acknowledged_only_once_they_are_on_disk() {
    let down = Faults {
        fail_share: 1.0,
        ..Faults::default()
    };
    let sandbox = sandbox(down).await;
    let dir = tempfile::tempdir().unwrap();
    let (url, seen) = numbered_feed(3_000).await;
    let mut settings = settings(&url, &sandbox.url());
    settings.feed.acknowledge = true;
    settings.spool.quota_bytes = 50_000;
    let pipeline = start(&settings, dir.path());
    let snapshots = pipeline.handle().snapshots();
    until("the spool is full", || {
        snapshots.borrow().delivery.spool.full
    })
    .await;
    // Acknowledgements go out once a second.
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    let (spooled, accepted) = {
        let now = snapshots.borrow();
        (now.delivery.spool.items, now.totals.accepted)
    };
    let acknowledged = seen.lock().unwrap().acknowledged + 1;
    // The first group of events may be small, and the next one too large for what is left.
    assert!(spooled > 0 && spooled < 2_000, "{spooled}");
    assert_eq!(
        acknowledged, spooled,
        "neither less nor more than what is safe"
    );
    assert_eq!(
        accepted, spooled,
        "what is not on disk does not count as accepted"
    );
    sandbox.set_faults(Faults::default());
    until("all is safe", || seen.lock().unwrap().acknowledged == 2_999).await;
    let ended = end(pipeline).await;
    assert_eq!((ended.left, ended.unwritten), (0, 0));
    assert_eq!(sandbox.counts().events, 3_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_feed_resumes_after_the_last_message() {
    let sandbox = sandbox(Faults::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let (url, seen) = numbered_feed(500).await;
    let mut settings = settings(&url, &sandbox.url());
    for (round, expected) in ["", "last_received=m%2D00499"].into_iter().enumerate() {
        let pipeline = start(&settings, dir.path());
        until("it has connected", || {
            seen.lock().unwrap().queries.len() == round + 1
        })
        .await;
        until("all have arrived", || sandbox.counts().events == 500).await;
        end(pipeline).await;
        assert_eq!(seen.lock().unwrap().queries[round], expected);
    }
    assert_eq!(sandbox.counts().duplicates, 0, "nothing came twice");
    // The ids of one feed are not used for another.
    let (other, seen) = numbered_feed(0).await;
    settings.feed.url = other.into();
    let pipeline = start(&settings, dir.path());
    until("it has connected", || {
        seen.lock().unwrap().queries.len() == 1
    })
    .await;
    end(pipeline).await;
    assert_eq!(seen.lock().unwrap().queries, [""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_is_moved_away_is_reported_and_works_again_once_it_is_back() {
    let sandbox = sandbox(Faults::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let server = common::feed().await;
    let pipeline = start(&settings(&server.url(), &sandbox.url()), dir.path());
    server.publish(&event("u", 0)).await;
    until("it works", || sandbox.counts().events == 1).await;
    let (file, away) = (dir.path().join("spool.db"), dir.path().join("away"));
    std::fs::rename(&file, &away).unwrap();
    server.publish(&event("u", 1)).await;
    let snapshots = pipeline.handle().snapshots();
    until("it is told", || {
        let now = snapshots.borrow();
        let told = |fault: &String| fault.contains("was moved or removed");
        now.delivery.spool.fault.as_ref().is_some_and(told)
    })
    .await;
    assert!(
        snapshots
            .borrow()
            .notices
            .iter()
            .any(|n| n.text.contains("put it back"))
    );
    std::fs::rename(&away, &file).unwrap();
    until("it goes on", || sandbox.counts().events == 2).await;
    let ended = end(pipeline).await;
    assert_eq!((ended.left, ended.unwritten), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_could_not_be_written_are_counted_and_not_accepted() {
    let sandbox = sandbox(Faults::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let server = common::feed().await;
    let pipeline = start(&settings(&server.url(), &sandbox.url()), dir.path());
    until("it is connected", || server.clients() == 1).await;
    std::fs::rename(dir.path().join("spool.db"), dir.path().join("away")).unwrap();
    for number in 0..7 {
        server.publish(&event("u", number)).await;
    }
    let snapshots = pipeline.handle().snapshots();
    until("it is told", || {
        snapshots.borrow().delivery.spool.fault.is_some()
    })
    .await;
    let ended = pipeline
        .end(Duration::from_millis(300), CancellationToken::new())
        .await;
    assert_eq!(
        (ended.left, ended.unwritten, ended.last.totals.accepted),
        (0, 7, 0)
    );
}

/// A feed whose client panics.
struct Breaking;

impl Feed for Breaking {
    fn run(self: Box<Self>, _: FeedChannel) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async { panic!("a fault of the client's") })
    }

    fn name(&self) -> String {
        "breaking".to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_panics_is_reported_and_ends_the_pipeline() {
    let sandbox = sandbox(Faults::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let settings = settings("ws://127.0.0.1:1", &sandbox.url());
    let client = Arc::new(Client::new(settings.destination().unwrap()).unwrap());
    let spool = Spool::open(dir.path()).unwrap();
    let pipeline = Pipeline::start(&settings, Box::new(Breaking), &client, spool).unwrap();
    tokio::time::timeout(Duration::from_secs(10), pipeline.handle().failed())
        .await
        .unwrap();
    let ended = end(pipeline).await;
    let why = ended.failure.unwrap();
    assert!(
        why.starts_with("the feed's client has ended") && why.contains("a fault of the client's"),
        "{why}"
    );
    let notices = &ended.last.notices;
    assert!(
        notices.iter().any(|notice| notice.text == why),
        "{notices:?}"
    );
}

/// A feed that sends these frames unchanged to the first client.
async fn raw_feed(frames: Vec<String>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}/feed", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        for frame in frames {
            socket.send(Message::text(frame)).await.unwrap();
        }
        // The connection stays open.
        while let Some(Ok(_)) = socket.next().await {}
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_large_malformed_frame_delays_neither_the_next_frame_nor_the_end() {
    let sandbox = sandbox(Faults::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let lines: u64 = 200_000;
    let broken = "{\"a\":\n".repeat(lines as usize);
    let first = format!("[{},\n{broken}", event("u", 1));
    let url = raw_feed(vec![first, event("u", 2), broken]).await;
    let settings = settings(&url, &sandbox.url());
    let pipeline = start(&settings, dir.path());
    let snapshots = pipeline.handle().snapshots();
    until("both events are delivered", || {
        snapshots.borrow().totals.delivered == 2
    })
    .await;
    let started = std::time::Instant::now();
    let ended = end(pipeline).await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(15), "the end took {took:?}");
    let malformed = ended.last.totals.malformed;
    assert!(malformed >= lines, "{malformed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_before_and_after_a_malformed_element_are_delivered() {
    let sandbox = sandbox(Faults::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let broken = r#"{"event_type":"Step","user_id":"u","event_properties":{"number":NaN}}"#;
    let events: Vec<String> = (0..=6).map(|number| event("u", number)).collect();
    let url = raw_feed(vec![
        format!("[{},{broken},{}]", events[1], events[2]),
        format!(
            r#"{{"api_key":"k","events":[{},{broken},{}]}}"#,
            events[3], events[4]
        ),
        format!("\u{feff}[{}, {}", events[5], events[6]),
    ])
    .await;
    let settings = settings(&url, &sandbox.url());
    let pipeline = start(&settings, dir.path());
    let snapshots = pipeline.handle().snapshots();
    until("six events are delivered", || {
        snapshots.borrow().totals.delivered == 6
    })
    .await;
    assert_eq!(common::numbers_of(&sandbox, "u"), [1, 2, 3, 4, 5, 6]);
    let ended = end(pipeline).await;
    assert_eq!(ended.last.totals.malformed, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_message_id_is_ignored_and_reported_once() {
    let sandbox = sandbox(Faults::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}/feed", listener.local_addr().unwrap());
    let queries = Arc::new(Mutex::new(Vec::new()));
    let asked = queries.clone();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let mut query = String::new();
            #[expect(clippy::result_large_err, reason = "the handshake's own type")]
            let see = |request: &Request, response: Response| {
                query = request.uri().query().unwrap_or_default().to_owned();
                Ok(response)
            };
            let opened = tokio_tungstenite::accept_hdr_async(stream, see).await;
            asked.lock().unwrap().push(query);
            let mut socket = opened.unwrap();
            // Each connection ends after its event, and the next one asks for later ones.
            let id = ["good", &"x".repeat(300), "\\u001b[2J", "\\u202e", ""][number % 5].to_owned();
            let id = format!(r#"{{"message_id":"{id}","#);
            let text = event("u", number as u64).replacen('{', &id, 1);
            let _ = socket.send(Message::text(text)).await;
            let _ = socket.close(None).await;
            while let Some(Ok(_)) = socket.next().await {}
        }
    });
    let pipeline = start(&settings(&url, &sandbox.url()), dir.path());
    until("five events arrived", || sandbox.counts().events >= 5).await;
    let ended = end(pipeline).await;
    let told = |text: &str| text.contains("can't be used to resume");
    let notices = ended.last.notices.iter().filter(|n| told(&n.text));
    assert_eq!(notices.count(), 1);
    let queries = queries.lock().unwrap().clone();
    assert_eq!(
        queries[..5],
        [
            "",
            "last_received=good",
            "last_received=good",
            "last_received=good",
            "last_received=good"
        ]
    );
}
