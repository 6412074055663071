//! Viewers of a forwarder with `control.privacy`: nothing that they are sent names a person.

use std::io::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::bench::{Bench, out};
use crate::common::{nowhere, until};
use crate::forwarder::said;
use crate::program::sluicegate;
use crate::stub::{Canned, Stub};

/// In every ID, address and value of the generated events, and in nothing else.
const SECRET: &str = "Sec7et";
/// In every number among them.
const NUMBER: &str = "987654321";
const EVENTS: usize = 150;
const VIEWER: &str = "the-token-of-a-viewer";
const OPERATOR: &str = "the-token-of-an-operator";

fn secret() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-z]{1,8}Sec7et[0-9]{4}".prop_map(Value::from),
        "Sec7et[a-z]{1,8}@[a-z]{3,9}\\.example".prop_map(Value::from),
        (0_u32..1_000).prop_map(|n| json!(987_654_321_000_u64 + u64::from(n))),
        "\\PC{0,9} Sec7et \"\\PC{0,9}".prop_map(Value::from),
    ]
}

fn property() -> impl Strategy<Value = Value> {
    secret().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,4}Sec7et[0-9]", inner, 1..3)
                .prop_map(Value::from_iter),
        ]
    })
}

/// Events, some with IDs that are too long, and one in ten that can't be read.
fn events() -> impl Strategy<Value = String> {
    let properties = || prop::collection::btree_map("[a-z]{1,9}", property(), 0..5);
    let id = || "[a-z]{1,6}Sec7et[0-9]{1,6}";
    let ids = (id(), id(), prop::option::of(id()));
    let others = (secret(), secret(), prop::bool::weighted(0.1), 0_u8..10);
    (ids, properties(), properties(), others).prop_map(
        |((user, device, insert), event, person, (ip, city, is_long, whole))| {
            let user = if is_long { user.repeat(40) } else { user };
            let text = json!({
                "event_type": "Step", "user_id": user, "device_id": device, "insert_id": insert,
                "time": sluicegate::amplitude::time::now(), "ip": ip, "city": city,
                "event_properties": event, "user_properties": person,
                "groups": { "company": user },
            })
            .to_string();
            match whole {
                0 => text.replace("\"event_type\":", "\"event_type\"; "),
                _ => text,
            }
        },
    )
}

/// Every request of a viewer, with its whole answer; that of the screen decompressed.
async fn answers(http: &reqwest::Client, url: &str, token: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in [
        "/v1/about",
        "/v1/status",
        "/v1/events?end=true",
        "/v1/changes",
        "/v1/filters",
        "/v1/settings",
        "/metrics",
    ] {
        let answer = http.get(format!("{url}{path}")).bearer_auth(token);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        found.push((path.to_owned(), answer.text().await.unwrap()));
    }
    let lists = [
        (
            "/v1/dead-letters/list",
            json!({"which": "all", "most": 100}),
        ),
        ("/v1/dead-letters/export", json!("all")),
    ];
    for (path, body) in lists {
        let asked = http.post(format!("{url}{path}")).bearer_auth(token);
        let answer = asked.body(body.to_string()).send().await.unwrap();
        found.push((path.to_owned(), answer.text().await.unwrap()));
    }
    found.push(("/v1/screen".to_owned(), screen(http, url, token).await));
    found
}

/// What an attached screen is sent in two seconds.
async fn screen(http: &reqwest::Client, url: &str, token: &str) -> String {
    let asked = http.get(format!("{url}/v1/screen")).bearer_auth(token);
    let mut answer = asked.send().await.unwrap();
    let mut decoder = zstd::stream::write::Decoder::new(Vec::new()).unwrap();
    let ends = Instant::now() + Duration::from_secs(2);
    while let Some(left) = ends.checked_duration_since(Instant::now()) {
        match tokio::time::timeout(left, answer.chunk()).await {
            Ok(part) => decoder.write_all(&part.unwrap().unwrap()).unwrap(),
            Err(_) => break,
        }
    }
    decoder.flush().unwrap();
    String::from_utf8(decoder.get_ref().clone()).unwrap()
}

fn is_revealing(text: &str) -> bool {
    text.contains(SECRET) || text.contains(NUMBER)
}

/// A forwarder with `control.privacy`, a viewer and an operator, that has received generated events.
/// Returns also its URL.
async fn with_people(dir: &std::path::Path) -> (Bench, String) {
    // Customer.io's refusals quote what it was sent.
    let customerio = Stub::choosing(|body| {
        let quoted = json!({ "meta": { "error": format!("not accepted: {body}") } });
        Some(Canned::new(400, &quoted.to_string()))
    })
    .await;
    let config = dir.join("s.toml");
    let text = format!(
        "[[rules]]\nname = \"one\"\neffect = \"exclude\"\nwhen = 'user_id == \"x{SECRET}1\"'\nnote = \"for {SECRET}\"\n\
         [control]\nprivacy = true\n[control.operators]\nann = \"{OPERATOR}\"\n[control.viewers]\nwall = \"{VIEWER}\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let (config, address) = (config.display().to_string(), nowhere());
    let listen = address.to_string();
    let bench = Bench::start(&[
        ("SLUICEGATE_CONFIG", &config),
        ("SLUICEGATE_CONTROL_LISTEN", &listen),
        ("SLUICEGATE_CUSTOMERIO_BASE_URL", &customerio.url),
    ])
    .await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..EVENTS {
        let event = events().new_tree(&mut runner).unwrap().current();
        bench.feed.publish(&event).await;
    }
    let changed = bench.filters(&format!(
        "[[rules]]\nname = \"one\"\neffect = \"exclude\"\nwhen = 'device_id == \"{SECRET}2\" || event_properties.total > {NUMBER}00001'\n"
    ));
    bench.ctl(&["filters", "apply", &changed]);
    let dead = || {
        let status = crate::bench::json_of(&bench.ctl(&["status", "--format", "json"]));
        status["standing"]["spool"]["letters"].as_u64().unwrap_or(0)
    };
    until("events were refused", || dead() > 20).await;
    (bench, format!("http://{address}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_viewer_is_sent_names_a_person_or_a_value() {
    let dir = tempfile::tempdir().unwrap();
    let (_bench, url) = with_people(dir.path()).await;
    sluicegate::http::install_ring();
    let http = reqwest::Client::new();
    for (path, text) in answers(&http, &url, VIEWER).await {
        let at = text.find(SECRET).or(text.find(NUMBER)).unwrap_or(0);
        let around: String = text
            .chars()
            .skip(at.saturating_sub(300))
            .take(600)
            .collect();
        assert!(!is_revealing(&text), "{path} of a viewer: {around}");
    }
    // An operator is sent all of it: the events do hold what is looked for.
    let of_operator = answers(&http, &url, OPERATOR).await;
    let revealing: Vec<&str> = of_operator
        .iter()
        .filter(|(_, text)| is_revealing(text))
        .map(|(path, _)| path.as_str())
        .collect();
    assert_eq!(
        revealing,
        [
            "/v1/status",
            "/v1/events?end=true",
            "/v1/changes",
            "/v1/filters",
            "/v1/dead-letters/list",
            "/v1/dead-letters/export",
            "/v1/screen",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_finds_no_value_out_by_asking_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let (bench, url) = with_people(dir.path()).await;
    let ctl = |token: &str, args: &[&str]| {
        let mut command = sluicegate();
        command.args(["ctl", "--at", &url]).args(args);
        command
            .env("SLUICEGATE_CONTROL_TOKEN", token)
            .output()
            .unwrap()
    };
    let tail = |token: &str, condition: &str| {
        let output = ctl(token, &["tail", "--end", "--where", condition]);
        (out(&output).lines().count(), said(&output))
    };
    for condition in [
        format!("user_id.contains(\"{SECRET}\")"),
        format!("device_id.matches(\".*{SECRET}.*\")"),
        "size(user_id) > 40".to_owned(),
    ] {
        let (of_operator, _) = tail(OPERATOR, &condition);
        let (of_viewer, told) = tail(VIEWER, &condition);
        assert!(of_operator > 0, "{condition}");
        assert_eq!(of_viewer, 0, "{condition}");
        assert!(told.contains("people are masked"), "{told}");
    }
    // A person's events still belong together.
    let (all, _) = tail(VIEWER, "user_id.startsWith(\"id•\")");
    assert!(all > 20, "{all}");
    sluicegate::http::install_ring();
    let http = reqwest::Client::new();
    let which = json!({"which": {"person": "someone"}, "most": 1}).to_string();
    let asked = http
        .post(format!("{url}/v1/dead-letters/list"))
        .bearer_auth(VIEWER);
    let answer = asked.body(which).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let why = answer.text().await.unwrap();
    assert!(why.contains("control.privacy hides from viewers"), "{why}");
    drop(bench);
}
