//! The sandbox as Customer.io's App API: what became of people, events and mail.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;

use std::time::Duration;

use common::sandbox;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sluicegate::amplitude::time;
use sluicegate::customerio::sandbox::{AppFaults, Faults, Options, Sandbox};
use tokio::net::TcpListener;

fn http() -> reqwest::Client {
    sluicegate::http::install_ring();
    reqwest::Client::new()
}

/// Sends one item to the Track API, which takes it.
async fn track(sandbox: &Sandbox, item: Value) {
    let url = format!("{}/api/v2/entity", sandbox.url());
    let request = http().post(url).basic_auth("site", Some("key"));
    let response = request.body(item.to_string()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{item}");
}

fn event(person: &str, name: &str, timestamp: i64) -> Value {
    json!({
        "type": "person", "action": "event", "identifiers": { "id": person },
        "name": name, "timestamp": timestamp, "attributes": { "total": 5 },
    })
}

fn identify(person: &str, timestamp: i64, attributes: &Value) -> Value {
    json!({
        "type": "person", "action": "identify", "identifiers": { "id": person },
        "timestamp": timestamp, "attributes": attributes,
    })
}

/// Asks the App API. Returns the status and the answer.
async fn ask(sandbox: &Sandbox, path: &str) -> (StatusCode, Value) {
    let url = format!("{}{path}", sandbox.url());
    let request = http().get(url).bearer_auth("app-key");
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

/// The types of the activities at a path, the newest first.
async fn types(sandbox: &Sandbox, path: &str) -> Vec<String> {
    let (status, answer) = ask(sandbox, path).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let all = answer["activities"].as_array().unwrap();
    all.iter()
        .map(|one| one["type"].as_str().unwrap().to_owned())
        .collect()
}

fn faults(app: AppFaults) -> Faults {
    Faults {
        app,
        ..Faults::default()
    }
}

fn now() -> i64 {
    time::now() / 1_000
}

#[tokio::test]
async fn it_tells_what_became_of_events_and_updates_that_the_track_api_took() {
    let sandbox = sandbox(faults(AppFaults {
        fail_event: Some("Broken".to_owned()),
        lose_event: Some("Lost".to_owned()),
        fail_update: Some("taken@example.com".to_owned()),
        ..AppFaults::default()
    }))
    .await;
    let now = now();
    track(&sandbox, event("u-1", "Purchase", now)).await;
    track(&sandbox, event("u-1", "Broken", now)).await;
    track(&sandbox, event("u-1", "Lost", now)).await;
    track(&sandbox, identify("u-1", now, &json!({ "plan": "pro" }))).await;
    track(
        &sandbox,
        identify("u-1", now - 60, &json!({ "plan": "free" })),
    )
    .await;
    track(
        &sandbox,
        identify("u-1", now, &json!({ "email": "taken@example.com" })),
    )
    .await;
    let path = "/v1/customers/u-1/activities";
    assert_eq!(
        types(&sandbox, path).await,
        [
            "failed_attribute_change",
            "skipped_update",
            "attribute_change",
            "failed_event",
            "event",
            "profile_create"
        ]
    );
    let (_, answer) = ask(&sandbox, &format!("{path}?type=event&name=Purchase")).await;
    let found = &answer["activities"][0];
    assert_eq!(found["name"], "Purchase");
    assert_eq!(found["timestamp"], now);
    assert_eq!(found["customer_identifiers"]["id"], "u-1");
    let (_, answer) = ask(&sandbox, &format!("{path}?type=attribute_change")).await;
    let changes = &answer["activities"][0]["data"];
    assert_eq!(*changes, json!({ "plan": { "from": null, "to": "pro" } }));
    assert_eq!(sandbox.attributes_of("u-1")["plan"], "pro");
    // What failed is not among the person's events, though it was taken with 200.
    assert_eq!(sandbox.events_of("u-1").len(), 1);
    let counts = sandbox.counts();
    assert_eq!((counts.events, counts.not_applied), (3, 4));
}

#[tokio::test]
async fn people_are_found_by_each_identifier_and_nobody_else_is() {
    let sandbox = sandbox(Faults::default()).await;
    let attributes = json!({ "email": "ann@example.com", "plan": "pro" });
    track(&sandbox, identify("u 1/ü", now(), &attributes)).await;
    let (_, found) = ask(&sandbox, "/v1/customers?email=ann@example.com").await;
    let person = &found["results"][0];
    assert_eq!(person["id"], "u 1/ü");
    let cio_id = person["cio_id"].as_str().unwrap();
    for path in [
        "/v1/customers/u%201%2F%C3%BC/attributes".to_owned(),
        "/v1/customers/ann%40example.com/attributes?id_type=email".to_owned(),
        format!("/v1/customers/{cio_id}/attributes?id_type=cio_id"),
    ] {
        let (status, answer) = ask(&sandbox, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(answer["customer"]["attributes"]["plan"], "pro", "{path}");
    }
    for (path, status) in [
        ("/v1/customers/u-2/attributes", StatusCode::NOT_FOUND),
        ("/v1/customers/u-2/activities", StatusCode::NOT_FOUND),
        (
            "/v1/customers/ann@example.com/messages",
            StatusCode::NOT_FOUND,
        ),
        (
            "/v1/customers/1/activities?id_type=phone",
            StatusCode::BAD_REQUEST,
        ),
        ("/v1/activities?limit=101", StatusCode::BAD_REQUEST),
        ("/v1/activities?start=7", StatusCode::BAD_REQUEST),
    ] {
        let (found, answer) = ask(&sandbox, path).await;
        assert_eq!(found, status, "{path}");
        assert!(answer["errors"][0]["detail"].is_string(), "{answer}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end_without_a_gap() {
    let sandbox = sandbox(Faults::default()).await;
    for number in 0..25 {
        track(&sandbox, event("u-1", &format!("Step {number}"), now())).await;
    }
    let (mut seen, mut start) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/customers/u-1/activities?type=event&limit=10&start={start}");
        let (_, page) = ask(&sandbox, &path).await;
        let names = page["activities"].as_array().unwrap();
        seen.extend(
            names
                .iter()
                .map(|one| one["name"].as_str().unwrap().to_owned()),
        );
        start = page["next"].as_str().unwrap().to_owned();
        if start.is_empty() {
            break;
        }
    }
    let expected: Vec<String> = (0..25).rev().map(|n| format!("Step {n}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn activities_come_late_and_are_listed_for_30_days() {
    let sandbox = sandbox(faults(AppFaults {
        delay_ms: 60_000,
        ..AppFaults::default()
    }))
    .await;
    track(&sandbox, event("u-1", "Purchase", now())).await;
    let path = "/v1/activities?customer_id=u-1&type=event";
    assert!(types(&sandbox, path).await.is_empty());
    sandbox.advance(Duration::from_secs(61));
    assert_eq!(types(&sandbox, path).await, ["event"]);
    sandbox.advance(Duration::from_secs(30 * 86_400));
    assert!(types(&sandbox, path).await.is_empty());
}

#[tokio::test]
async fn mail_goes_its_way_as_the_person_decides() {
    let sandbox = sandbox(faults(AppFaults {
        mail_on: Some("Purchase".to_owned()),
        ..AppFaults::default()
    }))
    .await;
    for (person, steps) in [
        (
            "u-1",
            &[
                "opened_email",
                "delivered_email",
                "sent_email",
                "drafted_email",
            ][..],
        ),
        (
            "u-bounce",
            &["bounced_email", "sent_email", "drafted_email"],
        ),
        ("u-suppress", &["suppressed_email"]),
        ("u-draft", &["drafted_email"]),
    ] {
        track(&sandbox, event(person, "Purchase", now())).await;
        let path = format!("/v1/customers/{person}/activities");
        // Drafted at once, and the rest as time goes by.
        assert!(types(&sandbox, &path).await.len() <= 3, "{person}");
        sandbox.advance(Duration::from_secs(10));
        let found = types(&sandbox, &path).await;
        assert_eq!(found[..steps.len()], *steps, "{person}");
        let (_, answer) = ask(&sandbox, &format!("/v1/customers/{person}/messages")).await;
        let steps_of_message = answer["messages"][0]["metrics"].as_object().unwrap();
        assert_eq!(steps_of_message.len(), steps.len());
    }
}

#[tokio::test]
async fn it_has_a_key_of_its_own_and_a_rate() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = Options {
        app_key: Some("app-key".to_owned()),
        ..Options::default()
    };
    let sandbox = Sandbox::start(listener, options).unwrap();
    let url = format!("{}/v1/activities", sandbox.url());
    let http = http();
    for request in [
        http.get(&url),
        http.get(&url).bearer_auth("wrong"),
        http.get(&url).basic_auth("site", Some("key")),
    ] {
        let status = request.send().await.unwrap().status();
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let mut refused = 0;
    for _ in 0..11 {
        let (status, _) = ask(&sandbox, "/v1/activities").await;
        refused += u32::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 1, "10 a second");
    sandbox.advance(Duration::from_secs(1));
    sandbox.set_faults(faults(AppFaults {
        script: [500, 200, 429].into(),
        ..AppFaults::default()
    }));
    for status in [500, 200, 429, 200] {
        assert_eq!(ask(&sandbox, "/v1/activities").await.0.as_u16(), status);
    }
    assert_eq!(sandbox.counts().app_requests, 18);
}
