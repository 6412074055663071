//! Uploads of webhooks and SDKs: accepted, answered as by Amplitude, or refused.

use std::collections::HashSet;
use std::io::Write as _;

use secrecy::SecretString;
use serde_json::{Value, json};
use sluicegate::relay::Options;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::{http, next, open, relay, subscribed};

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_webhooks_from_fifty_connections_reach_every_client_in_one_order() {
    const SENDERS: usize = 50;
    const EACH: usize = 200;
    let relay = relay(open()).await;
    let mut clients = [subscribed(&relay, "").await, subscribed(&relay, "").await];
    let url = format!("{}/webhook", relay.url());
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let url = url.clone();
            tokio::spawn(async move {
                let http = http();
                for n in 0..EACH {
                    let body = format!(r#"{{"event_type":"A","user_id":"{sender}-{n}","time":1}}"#);
                    let answer = http.post(&url).body(body).send().await.unwrap();
                    assert_eq!(answer.status(), 200);
                }
            })
        })
        .collect();
    let mut orders = Vec::new();
    for client in &mut clients {
        let (mut order, mut ids) = (Vec::new(), Vec::new());
        while order.len() < SENDERS * EACH {
            let event = next(client).await;
            order.push(event["user_id"].as_str().unwrap().to_owned());
            ids.push(event["message_id"].as_str().unwrap().to_owned());
        }
        assert!(ids.is_sorted(), "the ids of messages sort by time");
        orders.push(order);
    }
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(orders[0], orders[1]);
    let different: HashSet<&String> = orders[0].iter().collect();
    assert_eq!(different.len(), SENDERS * EACH);
    assert_eq!(relay.counts().received, (SENDERS * EACH) as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn sdks_are_answered_as_by_amplitude_and_their_events_come_out_unchanged() {
    let relay = relay(open()).await;
    let mut client = subscribed(&relay, "").await;
    let http = http();
    let event = json!({
        "event_type": "Purchase", "user_id": "u-1", "time": 1, "event_properties": {"total": 1.5},
        "$insert_id": "x", "ip": "$remote"
    });
    let body = json!({ "api_key": "k", "events": [event, {"device_id": "d", "event_type": "B"}] });
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(body.to_string().as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    for path in ["/2/httpapi", "/batch"] {
        for is_packed in [false, true] {
            let request = http.post(format!("{}{path}", relay.url()));
            let request = if is_packed {
                request
                    .header("Content-Encoding", "gzip")
                    .body(packed.clone())
            } else {
                request.body(body.to_string())
            };
            let answer = request.send().await.unwrap();
            // A browser may read it, too.
            assert_eq!(answer.headers()["access-control-allow-origin"], "*");
            let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            assert_eq!(
                (&answer["code"], &answer["events_ingested"]),
                (&json!(200), &json!(2))
            );
            assert!(answer["server_upload_time"].as_i64().unwrap() > 1_700_000_000_000);
            let mut first = next(&mut client).await;
            first.as_object_mut().unwrap().remove("message_id").unwrap();
            assert_eq!(first, event);
            let second = next(&mut client).await;
            assert!(
                second["time"].is_i64() && second["device_id"] == "d",
                "{second}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_may_send_events_after_a_preflight_request() {
    let relay = relay(Options {
        secret: Some(SecretString::from("swordfish")),
        ..open()
    })
    .await;
    let options = http()
        .request(
            reqwest::Method::OPTIONS,
            format!("{}/2/httpapi", relay.url()),
        )
        .header("Origin", "https://shop.example")
        .header("Access-Control-Request-Method", "POST")
        .send()
        .await
        .unwrap();
    assert_eq!(options.status(), 204);
    assert!(
        options.headers()["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .contains("content-type")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_request_is_refused_with_a_reason_and_publishes_nothing() {
    let relay = relay(open()).await;
    let mut client = subscribed(&relay, "").await;
    let http = http();
    let post = |path: &str, body: Vec<u8>| {
        let request = http.post(format!("{}{path}", relay.url())).body(body);
        async move {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            (status, body)
        }
    };
    let (status, body) = post("/webhook", b"{\"event_type\"".to_vec()).await;
    assert_eq!(status, 400);
    assert!(
        body["error"]
            .as_str()
            .unwrap()
            .starts_with("Invalid JSON request body")
    );
    let (status, body) = post("/2/httpapi", br#"{"events":[]}"#.to_vec()).await;
    assert_eq!((status, &body["missing_field"]), (400, &json!("api_key")));
    for (path, bytes) in [
        ("/webhook", 2 << 20),
        ("/2/httpapi", 2 << 20),
        ("/batch", 21 << 20),
    ] {
        let (status, body) = post(path, vec![b' '; bytes]).await;
        assert_eq!((status, &body["code"]), (413, &json!(413)), "{path}");
    }
    // One that is cut off in the middle is heard of by nobody.
    let place = relay.url().replace("http://", "");
    let mut cut = TcpStream::connect(&place).await.unwrap();
    let request =
        "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"event_type\":\"A\",";
    cut.write_all(request.as_bytes()).await.unwrap();
    drop(cut);
    let (status, _) = post(
        "/webhook",
        br#"{"event_type":"last","user_id":"u"}"#.to_vec(),
    )
    .await;
    assert_eq!(status, 200);
    assert_eq!(next(&mut client).await["event_type"], "last");
    assert_eq!(relay.counts().received, 1);
}
