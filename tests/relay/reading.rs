//! Those who read the feed: what they ask for, and what they are told.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sluicegate::relay::Relay;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::{Client, http, next, open, relay, subscribed};

/// Sends events of these types, one after the other, numbered by their times.
async fn send(relay: &Relay, types: &[&str]) {
    let events = types.iter().enumerate();
    let events: Vec<Value> = events
        .map(|(n, name)| json!({"event_type": name, "user_id": "u", "time": n}))
        .collect();
    let request = http().post(format!("{}/webhook", relay.url()));
    let answer = request.body(json!(events).to_string()).send().await;
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_to_types_is_sent_only_these_from_the_ring_and_as_they_come() {
    let relay = relay(open()).await;
    send(&relay, &["A", "Song Played", "B", "A"]).await;
    let query = "?last_received=&types=Song%20Played,B";
    let mut some = subscribed(&relay, query).await;
    let mut all = subscribed(&relay, "?last_received=").await;
    assert_eq!(next(&mut some).await["event_type"], "Song Played");
    assert_eq!(next(&mut some).await["event_type"], "B");
    send(&relay, &["A", "A", "B"]).await;
    let last = next(&mut some).await;
    assert_eq!(
        (&last["event_type"], &last["time"]),
        (&json!("B"), &json!(2))
    );
    for name in ["A", "Song Played", "B", "A", "A", "A", "B"] {
        assert_eq!(next(&mut all).await["event_type"], name);
    }
    let rows = relay.status().clients;
    let sent: Vec<u64> = rows.iter().map(|row| row.sent).collect();
    assert_eq!(sent, [3, 7]);
    assert!(rows.iter().all(|row| row.behind == Some(0)), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_can_not_set_its_own_message_id() {
    let relay = relay(open()).await;
    let forged = r#"{"event_type":"A","message_id":"ffffffff-ffff-7fff-bfff-ffffffffffff",
        "user_id":"u","time":0,"message\u005fid":"x"}"#;
    let request = http().post(format!("{}/webhook", relay.url()));
    let answer = request.body(forged).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut client = subscribed(&relay, "?last_received=").await;
    let Message::Text(text) = client.next().await.unwrap().unwrap() else {
        panic!()
    };
    assert_eq!(text.matches("message").count(), 1, "{text}");
    let event: Value = serde_json::from_str(&text).unwrap();
    let id = event["message_id"].as_str().unwrap();
    // It goes on behind it, and not at the end of all time.
    let mut again = subscribed(&relay, &format!("?last_received={id}")).await;
    send(&relay, &["B"]).await;
    assert_eq!(next(&mut again).await["event_type"], "B");
}

/// A client that knows nothing but the conventions of Vector's `websocket_server` sink: an id in
/// each message, `?last_received=`, and `{"message_id": …}` as an acknowledgement.
struct Conventional {
    seen: Vec<u64>,
    last: String,
}

impl Conventional {
    async fn read(&mut self, client: &mut Client, most: usize) {
        while self.seen.len() < most {
            let event = next(client).await;
            self.seen.push(event["time"].as_u64().unwrap());
            event["message_id"]
                .as_str()
                .unwrap()
                .clone_into(&mut self.last);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_vectors_conventions_resumes_without_loss_by_query_and_by_acknowledgement() {
    const ALL: usize = 2_000;
    let relay = relay(open()).await;
    let named = || {
        let mut request = relay.feed_url().as_str().into_client_request().unwrap();
        let name = "one of them".parse().unwrap();
        request.headers_mut().insert("x-client-name", name);
        request
    };
    // Both are there before the first event.
    let mut by_query = subscribed(&relay, "").await;
    let (mut by_name, _) = connect_async(named()).await.unwrap();
    let sending = {
        let relay = relay.clone();
        tokio::spawn(async move {
            let (http, url) = (http(), format!("{}/webhook", relay.url()));
            for n in 0..ALL {
                let event = json!({"event_type": "A", "user_id": "u", "time": n}).to_string();
                let answer = http.post(&url).body(event).send().await.unwrap();
                assert_eq!(answer.status(), 200);
            }
        })
    };
    let new = || Conventional {
        seen: Vec::new(),
        last: String::new(),
    };
    let (mut asks, mut acknowledges) = (new(), new());
    for round in 1..=20 {
        let upto = ALL * round / 20;
        asks.read(&mut by_query, upto).await;
        // It breaks off without a word, and asks for what it missed.
        drop(by_query);
        by_query = subscribed(&relay, &format!("?last_received={}", asks.last)).await;
        acknowledges.read(&mut by_name, upto).await;
        let ack = json!({ "message_id": acknowledges.last }).to_string();
        by_name.send(Message::text(ack)).await.unwrap();
        // A close is answered: by then the acknowledgement was heard.
        by_name.close(None).await.unwrap();
        while let Some(Ok(_)) = by_name.next().await {}
        (by_name, _) = connect_async(named()).await.unwrap();
    }
    sending.await.unwrap();
    let expected: Vec<u64> = (0..ALL as u64).collect();
    assert!(asks.seen == expected, "each once, in order");
    assert!(acknowledges.seen == expected, "each once, in order");
    let rows = relay.status().clients;
    let present: HashSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert!(present.contains("name:one of them"), "{present:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_shuts_down_refuses_events_and_sends_the_rest() {
    let relay = relay(open()).await;
    send(&relay, &["A", "B"]).await;
    let mut client = subscribed(&relay, "?last_received=").await;
    assert_eq!(next(&mut client).await["event_type"], "A");
    // A connection that is there already is told; a new one finds nobody.
    let http = http();
    let event = json!({"event_type": "C", "user_id": "u"}).to_string();
    let post = || {
        http.post(format!("{}/webhook", relay.url()))
            .body(event.clone())
    };
    assert_eq!(post().send().await.unwrap().status(), 200);
    relay.end();
    let refused = |answer: reqwest::Result<reqwest::Response>| {
        answer.is_err() || answer.is_ok_and(|answer| answer.status() == 503)
    };
    assert!(refused(post().send().await));
    for name in ["B", "C"] {
        assert_eq!(next(&mut client).await["event_type"], name);
    }
    let last = client.next().await.unwrap().unwrap();
    assert!(matches!(last, Message::Close(_)), "{last}");
    let place = relay.url().replace("http://", "");
    while tokio::net::TcpStream::connect(&place).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(relay.counts().received, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_of_each_client_is_reported() {
    let mut options = open();
    options.feed.patience = Duration::from_secs(60);
    let relay = relay(options).await;
    let mut quick = subscribed(&relay, "").await;
    let slow = subscribed(&relay, "").await;
    // More than the socket's own room, so that the slow one stays behind.
    let filler = "x".repeat(500_000);
    for n in 0..40 {
        let event = json!({"event_type": "A", "user_id": "u", "time": n, "filler": filler});
        let request = http().post(format!("{}/webhook", relay.url()));
        let answer = request.body(event.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(next(&mut quick).await["time"], n);
    }
    let standing = relay.status();
    let behind: Vec<u64> = standing
        .clients
        .iter()
        .filter_map(|row| row.behind)
        .collect();
    assert!(behind.iter().any(|behind| *behind > 10), "{behind:?}");
    let lags = standing.clients.iter().map(|row| row.lag_ms);
    assert!(lags.max() > Some(0));
    assert_eq!(standing.sources[0].events, 40);
    drop(slow);
    while relay.counts().clients > 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_away_resumes_and_one_that_is_too_slow_is_cut_without_hurting_others() {
    let mut options = open();
    options.feed.ring_bytes = 1 << 20;
    options.feed.patience = Duration::from_millis(500);
    let relay = relay(options).await;
    let http = http();
    let send = |n: u64, filler: usize| {
        let body = json!({"event_type": "A", "user_id": "u", "time": n, "x": "y".repeat(filler)});
        let request = http
            .post(format!("{}/webhook", relay.url()))
            .body(body.to_string());
        async move { assert_eq!(request.send().await.unwrap().status(), 200) }
    };
    let mut quick = subscribed(&relay, "").await;
    // It reads nothing, and its window fills.
    let mut slow = subscribed(&relay, "").await;
    send(0, 1).await;
    let first = next(&mut quick).await["message_id"]
        .as_str()
        .unwrap()
        .to_owned();
    drop(quick);
    for n in 1..=5 {
        send(n, 1).await;
    }
    // Behind the last that it received, nothing is left out.
    let mut back = subscribed(&relay, &format!("?last_received={first}")).await;
    for n in 1..=5 {
        assert_eq!(next(&mut back).await["time"], n);
    }
    for n in 6..=100 {
        send(n, 400_000).await;
        assert_eq!(
            next(&mut back).await["time"],
            n,
            "the quick one is never held up"
        );
    }
    let told = async {
        let mut last = None;
        while let Some(Ok(message)) = slow.next().await {
            if let Message::Close(Some(frame)) = message {
                last = Some(frame.code);
            }
        }
        last
    };
    // It was told, or, where its line took nothing any more, only cut.
    let code = tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .unwrap();
    assert!(code.is_none_or(|code| code == CloseCode::Again), "{code:?}");
    while relay.counts().clients > 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
