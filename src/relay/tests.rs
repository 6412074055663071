use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::feed::log::{Log, Retention};
use crate::feed::server;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_reported_to_senders_and_publishes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention {
        age: Duration::from_secs(60),
        bytes: 1 << 30,
    };
    let log = Log::open(folder.path(), retention).unwrap();
    log.limit_pages(20);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = Options {
        feed: server::Options {
            wait_for_client: false,
            wait_for_slow: false,
            ..server::Options::default()
        },
        ..Options::default()
    };
    let relay = Relay::start(listener, options, Some(log)).unwrap();
    let http = crate::http::client(&Arc::default()).build().unwrap();
    let event = json!({ "event_type": "A", "user_id": "u", "x": "y".repeat(50_000) });
    let (mut taken, mut refused) = (0, String::new());
    while refused.is_empty() {
        let request = http.post(format!("{}/webhook", relay.url()));
        let answer = request.body(event.to_string()).send().await.unwrap();
        match answer.status().as_u16() {
            200 => taken += 1,
            503 => refused = answer.text().await.unwrap(),
            other => panic!("{other}"),
        }
    }
    assert!(refused.contains("cannot keep messages in"), "{refused}");
    assert!(taken > 0);
    let health = http.get(format!("{}/healthz", relay.url())).send().await;
    let health = health.unwrap();
    assert_eq!(health.status(), 503);
    let health = health.text().await.unwrap();
    assert!(health.contains("cannot keep messages in"), "{health}");
    let counts = relay.counts();
    assert_eq!(
        (counts.received, counts.kept, counts.refused),
        (taken, taken, 1)
    );
}
