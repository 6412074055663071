//! What leaves, over real sockets: a feed, the pipeline, and who receives the requests.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use common::{sandbox, settings, until};
use serde_json::{Value, json};
use sluicegate::config::Settings;
use sluicegate::customerio::Client;
use sluicegate::customerio::mapping::{Anonymous, Dates};
use sluicegate::customerio::sandbox::Faults;
use sluicegate::delivery::spool::Spool;
use sluicegate::feed::server::Server;
use sluicegate::feed::websocket::WebSocketFeed;
use sluicegate::pipeline::Pipeline;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A pipeline that runs while a test feeds it.
struct Running {
    server: Server,
    pipeline: Pipeline,
    _folder: tempfile::TempDir,
}

impl Running {
    async fn start(base_url: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let server = common::feed().await;
        let mut settings = settings(&server.url(), base_url);
        change(&mut settings);
        let feed = WebSocketFeed::new(settings.feed.clone()).unwrap();
        let client = Arc::new(Client::new(settings.destination().unwrap()).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let pipeline = Pipeline::start(&settings, Box::new(feed), &client, spool).unwrap();
        until("the feed is connected", || server.clients() == 1).await;
        Self {
            server,
            pipeline,
            _folder: folder,
        }
    }

    async fn end(self) {
        let quiet = CancellationToken::new();
        let ended = self.pipeline.end(std::time::Duration::from_secs(10), quiet);
        assert_eq!(ended.await.left, 0);
    }
}

/// A server that takes everything and keeps each request's path and body.
async fn recorder() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::new(Mutex::new(Vec::new()));
    let keep = taken.clone();
    let app = Router::new().fallback(move |uri: axum::http::Uri, body: Bytes| async move {
        let body = String::from_utf8_lossy(&body).into_owned();
        keep.lock().unwrap().push(format!("{uri}\n{body}"));
        ([(CONTENT_TYPE, "application/json")], "{}")
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, taken)
}

const NOW: &str = "2026-11-24 00:57:33.008000";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_excluded_leaves_in_any_request() {
    let (url, taken) = recorder().await;
    let running = Running::start(&url, |settings| {
        let mapping = &mut settings.mapping;
        mapping.send_users = true;
        mapping.dates = Dates::Unix;
        mapping.fields = vec!["plan".to_owned()];
        mapping.exclude = [
            "user_properties.bank",
            "event_properties.card",
            "plan.secret",
            "groups",
        ]
        .map(str::to_owned)
        .to_vec();
    })
    .await;
    let user = |more: &str| {
        format!(
            r#"{{"first_name":"Ann","created_at":"2022-04-16T12:55:40.395","bank":"SECRET"{more}}}"#
        )
    };
    let filler: Vec<String> = (0..45)
        .map(|n| format!(r#""p{n}":"{}""#, "x".repeat(900)))
        .collect();
    let filler = format!(",{}", filler.join(","));
    for (n, properties) in [
        user(""),
        // Over 32 kB: event and identify go by v1.
        user(&filler),
        format!(r#"{{"$set":{},"$setOnce":{{"bank":"SECRET"}}}}"#, user("")),
    ]
    .iter()
    .enumerate()
    {
        let event_type = if n == 2 { "$identify" } else { "user_login" };
        running
            .server
            .publish(&format!(
                r#"{{"event_type":"{event_type}","user_id":"155000-{n}","device_id":"d","$insert_id":"{n}","event_time":"{NOW}","plan":{{"secret":"SECRET","b":1}},"groups":{{"g":"SECRET"}},"event_properties":{{"cards":[{{"card":"no secret"}}],"card":"SECRET"}},"user_properties":{properties}}}"#
            ))
            .await;
    }
    until("all were sent", || {
        let taken = taken.lock().unwrap();
        (0..3).all(|n| taken.iter().any(|t| t.contains(&format!("155000-{n}"))))
    })
    .await;
    running.end().await;
    let taken = taken.lock().unwrap();
    let all = taken.join("\n");
    assert!(!all.contains("SECRET"), "{all}");
    assert!(all.contains("/api/v2/batch") && all.contains(r#""action":"identify""#));
    assert!(all.contains("/api/v1/customers/155000-1/events"));
    let by_v1 = taken
        .iter()
        .find(|t| t.starts_with("/api/v1/customers/155000-1\n"));
    assert!(by_v1.unwrap().contains(r#""_timestamp":1795481853"#));
    assert!(all.contains(r#""created_at":1650113740"#));
    assert!(!all.contains("2022-04-16"), "dates hold everywhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identify_that_comes_late_never_overwrites_what_is_newer() {
    let sandbox = sandbox(Faults::default()).await;
    let running = Running::start(&sandbox.url(), |s| s.mapping.send_users = true).await;
    let now = sluicegate::amplitude::time::now();
    for (n, plan, time) in [(1, "pro", now), (2, "free", now - 3_600_000)] {
        running
            .server
            .publish(&format!(
                r#"{{"event_type":"$identify","user_id":"u-1","time":{time},"device_id":"d","insert_id":"{n}","user_properties":{{"$set":{{"plan":"{plan}"}}}}}}"#
            ))
            .await;
        until("it has come", || sandbox.counts().identifies == n).await;
    }
    assert_eq!(sandbox.attributes_of("u-1")["plan"], "pro");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_did_before_its_user_was_known_joins_the_person() {
    let sandbox = sandbox(Faults::default()).await;
    // Without send_users: linking is the only thing that an identify is sent for.
    let send = |s: &mut Settings| s.mapping.anonymous = Anonymous::Send;
    let running = Running::start(&sandbox.url(), send).await;
    let now = sluicegate::amplitude::time::now();
    for (n, name, user) in [
        (1, "Pricing Viewed", "null"),
        (2, "Signup", r#""u-9""#),
        (3, "Login", r#""u-9""#),
    ] {
        running
            .server
            .publish(&format!(
                r#"{{"event_type":"{name}","user_id":{user},"device_id":"dev-9","time":{},"insert_id":"{n}","user_properties":{{"plan":"free"}}}}"#,
                now + n
            ))
            .await;
        until("it has come", || sandbox.counts().events == n as u64).await;
    }
    let names: Vec<String> = sandbox
        .events_of("u-9")
        .into_iter()
        .map(|event| event.name)
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(sandbox.people(), ["u-9"]);
    assert_eq!(
        (
            sandbox.counts().identifies,
            Value::Object(sandbox.attributes_of("u-9"))
        ),
        (1, json!({"anonymous_id": "dev-9"})),
        "once, and nothing that wasn't asked for"
    );
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_that_comes_in_both_dialects_arrives_once() {
    let sandbox = sandbox(Faults::default()).await;
    let sdk = r#"{"event_type":"Purchase","user_id":"u-1","device_id":"dev-1","time":1795481853008,"insert_id":"ins-1","event_properties":{"total":5}}"#;
    let export = format!(
        r#"{{"$insert_id":"ins-1","insert_id":null,"device_id":"dev-1","event_type":"Purchase","user_id":"u-1","event_time":"2026-11-24 00:58:01.000000","client_event_time":"{NOW}","uuid":"54050f2a-63b7-11ed-ae7f-000000000002","event_properties":{{"total":5}}}}"#
    );
    // Two forwarders with spools of their own, as a backfill beside a live feed.
    for (events, duplicates, text) in [(1, 0, sdk), (1, 1, export.as_str())] {
        let running = Running::start(&sandbox.url(), |_| {}).await;
        running.server.publish(text).await;
        until("it has come", || {
            let counts = sandbox.counts();
            (counts.events, counts.duplicates) == (events, duplicates)
        })
        .await;
        running.end().await;
    }
    // And within one: the second is told as a duplicate, and not sent.
    let running = Running::start(&sandbox.url(), |_| {}).await;
    running.server.publish(&format!("{export}\n{sdk}")).await;
    let snapshots = running.pipeline.handle().snapshots();
    until("both are decided", || {
        let totals = &snapshots.borrow().totals;
        (totals.accepted, totals.rejected) == (1, 1)
    })
    .await;
    running.end().await;
}

#[test]
fn config_check_names_paths_that_match_nothing_and_policies_that_cant_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    let file = "[mapping]\nexclude = [\"email\", \"user_propertys.email\"]\n[limits]\nid_missing = \"warn\"\n";
    std::fs::write(&path, file).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sluicegate"))
        .args(["config", "check", "--config"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    for expected in [
        ":2: mapping.exclude: \"email\" can match nothing",
        "write user_properties.email",
        ":4: limits.id_missing: it can only be \"reject\"",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}
