//! Bodies that are broken in part, or begin with a byte order mark.

use serde_json::{Value, json};

use super::{http, next, open, relay, subscribed};

const EVENT: &str = r#"{"event_type":"A","user_id":"u","time":1}"#;

async fn post(url: &str, body: &str) -> (u16, Value) {
    let answer = http().post(url).body(body.to_owned()).send().await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_webhook_that_is_broken_in_part_the_rest_is_taken_and_the_damage_told() {
    let relay = relay(open()).await;
    let mut client = subscribed(&relay, "").await;
    let url = format!("{}/webhook", relay.url());
    let broken = r#"{"event_type":"N","user_id":"u","event_properties":{"p":NaN}}"#;
    let second = EVENT.replace('A', "B");
    let (status, answer) = post(&url, &format!("\u{feff}[{EVENT},{broken},{second}")).await;
    assert_eq!((status, &answer["events_ingested"]), (200, &json!(2)));
    assert_eq!(next(&mut client).await["event_type"], "A");
    assert_eq!(next(&mut client).await["event_type"], "B");
    let rows = relay.status().sources;
    assert_eq!((rows[0].events, rows[0].refused), (2, 1));
    let (status, why) = rows[0].last_refusal.clone().unwrap();
    assert_eq!(status, 200);
    assert!(
        why.starts_with("2 of 4 elements skipped: Invalid JSON"),
        "{why}"
    );
    let (status, answer) = post(&url, broken).await;
    assert_eq!(status, 400, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_request_to_the_http_api_that_is_broken_in_part_nothing_is_taken() {
    let relay = relay(open()).await;
    let mut client = subscribed(&relay, "").await;
    for path in ["/2/httpapi", "/batch"] {
        let url = format!("{}{path}", relay.url());
        let broken = format!(r#"{{"api_key":"k","events":[{EVENT},{{"event_type":NaN}}]}}"#);
        let (status, answer) = post(&url, &broken).await;
        assert_eq!(status, 400, "{answer}");
        let whole = format!("\u{feff}{{\"api_key\":\"k\",\"events\":[{EVENT}]}}");
        assert_eq!(post(&url, &whole).await.0, 200);
        assert_eq!(next(&mut client).await["event_type"], "A");
    }
    assert_eq!(relay.counts().received, 2);
}
