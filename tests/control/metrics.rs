//! Metrics and probes, as monitoring systems ask for them.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::common::{nowhere, until};

/// A forwarder with its metrics on loopback, and their address.
async fn watched() -> (Bench, String) {
    let listen = nowhere().to_string();
    let bench = Bench::start(&[("SLUICEGATE_CONTROL_LISTEN", &listen)]).await;
    (bench, format!("http://{listen}"))
}

pub fn http() -> reqwest::Client {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub async fn get(url: &str) -> (u16, String) {
    let answer = http().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The value of a sample.
pub fn sample(text: &str, name: &str) -> f64 {
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    let found = text.lines().find_map(value);
    found.unwrap_or_else(|| panic!("no {name} in {text}"))
}

const SOMEBODY: &str = "somebody@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_tell_what_happened_and_nothing_of_people() {
    let (mut bench, url) = watched().await;
    bench.publish(SOMEBODY, 0..40).await;
    bench
        .feed
        .publish(r#"{"event_type":"Lost","device_id":"d-1"}"#)
        .await;
    bench.feed.publish("{broken").await;
    bench.received(41).await;
    until("all is delivered", || {
        bench.sandbox.events_of(SOMEBODY).len() == 40
    })
    .await;
    let metrics = format!("{url}/metrics");
    let delivered = r#"sluicegate_events_delivered_total{attempt="first"}"#;
    let mut text = String::new();
    for _ in 0..200 {
        text = get(&metrics).await.1;
        if sample(&text, delivered) > 39.5 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (name, value) in [
        (delivered, 40.0),
        ("sluicegate_events_received_total", 41.0),
        ("sluicegate_malformed_total", 1.0),
        (
            r#"sluicegate_events_decided_total{decision="accepted",by=""}"#,
            40.0,
        ),
        (
            r#"sluicegate_events_decided_total{decision="rejected",by="limit"}"#,
            1.0,
        ),
        (
            r#"sluicegate_limit_violations_total{limit="id_missing",effect="reject"}"#,
            1.0,
        ),
        (
            r#"sluicegate_events_by_type_total{event_type="Lost",decision="not_accepted"}"#,
            1.0,
        ),
        (r#"sluicegate_feed_state{state="live"}"#, 1.0),
        (r#"sluicegate_gate_state{state="open"}"#, 1.0),
        ("sluicegate_delivery_latency_seconds_count", 40.0),
        (
            r#"sluicegate_delivery_latency_seconds_bucket{le="+Inf"}"#,
            40.0,
        ),
    ] {
        assert!((sample(&text, name) - value).abs() < 0.1, "{name}: {text}");
    }
    assert!(sample(&text, r#"sluicegate_requests_total{answer="200"}"#) >= 1.0);
    assert!(!text.contains(SOMEBODY), "{text}");
    // A scrape from a web page, or for another host, is refused as everything else is.
    let page = http()
        .get(&metrics)
        .header("origin", "https://evil.example");
    assert_eq!(page.send().await.unwrap().status().as_u16(), 403);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_says_which_part_is_not_ready() {
    let (mut bench, url) = watched().await;
    let ready = format!("{url}/readyz");
    let asks = |ready: String| async move {
        let (code, text) = get(&ready).await;
        (code, serde_json::from_str::<Value>(&text).unwrap())
    };
    let all = json!({ "ready": true, "feed": true, "spool": true, "destination": true });
    let started = Instant::now();
    while asks(ready.clone()).await != (200, all.clone()) {
        assert!(started.elapsed() < Duration::from_secs(20), "it gets ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        get(&format!("{url}/healthz")).await,
        (200, r#"{"alive":true}"#.to_owned())
    );
    bench.feed.end();
    let feed = json!({ "ready": false, "feed": false, "spool": true, "destination": true });
    let started = Instant::now();
    while asks(ready.clone()).await != (503, feed.clone()) {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "it tells of the feed"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn screens_are_counted_as_long_as_they_are_attached() {
    let (mut bench, url) = watched().await;
    let metrics = format!("{url}/metrics");
    let viewers = r#"sluicegate_control_screens{role="viewer"}"#;
    let waits_for = async |count: f64| {
        let started = Instant::now();
        while (sample(&get(&metrics).await.1, viewers) - count).abs() > 0.1 {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{count} screens"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    waits_for(0.0).await;
    let screen = || http().get(format!("{url}/v1/screen")).send();
    let (first, second) = (screen().await.unwrap(), screen().await.unwrap());
    waits_for(2.0).await;
    drop(first);
    waits_for(1.0).await;
    drop(second);
    waits_for(0.0).await;
    bench.end().await;
}

/// The names of the metrics in an expression.
fn names(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("sluicegate_"));
    ours.map(str::to_owned).collect()
}

fn asset(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("assets")
        .join(name);
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_dashboard_and_the_rules_ask_for_metrics_that_exist() {
    let documented = names(&asset("metrics.md"));
    let exists = |name: &str| {
        let ends = ["", "_total", "_bucket", "_sum", "_count", "_info"];
        let family = |end: &str| name.strip_suffix(end).map(str::to_owned);
        ends.iter()
            .filter_map(|end| family(end))
            .any(|family| documented.contains(&family))
    };
    let dashboard: Value = serde_json::from_str(&asset("grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(
        panels
            .iter()
            .all(|panel| !panel["targets"].as_array().unwrap().is_empty())
    );
    for text in [dashboard.to_string(), asset("alerts.yml")] {
        let used = names(&text);
        assert!(used.len() > 8);
        for name in used {
            assert!(exists(&name), "{name} is in metrics.md");
        }
    }
}

/// A Prometheus that scrapes one forwarder. It is killed when dropped.
struct Prometheus {
    child: Child,
    at: SocketAddr,
}

impl Prometheus {
    fn start(folder: &Path, target: &str) -> Self {
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let rules = file("alerts.yml", &asset("alerts.yml"));
        let mut promtool = Command::new("promtool");
        let check = promtool.args(["check", "rules", &rules]).output().unwrap();
        let said = String::from_utf8([check.stdout, check.stderr].concat()).unwrap();
        assert!(check.status.success() && said.contains("SUCCESS"), "{said}");
        let text = format!(
            "global: {{ scrape_interval: 250ms, evaluation_interval: 250ms }}\nrule_files: [ {rules} ]\nscrape_configs:\n  - job_name: sluicegate\n    static_configs: [ {{ targets: [ \"{target}\" ] }} ]\n"
        );
        let config = file("prometheus.yml", &text);
        let at = nowhere();
        let data = folder.join("data");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={config}"))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address={at}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, at }
    }

    /// The first value of an expression; null without one.
    async fn query(&self, expression: &str) -> Value {
        let url = format!("http://{}/api/v1/query", self.at);
        let url = reqwest::Url::parse_with_params(&url, [("query", expression)]).unwrap();
        let Ok(answer) = http().get(url).send().await else {
            return Value::Null;
        };
        let body = answer.text().await.unwrap_or_default();
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        body["data"]["result"][0]["value"][1].clone()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Prometheus: .ci/interop"]
async fn prometheus_scrapes_under_load_and_takes_the_rules() {
    let (mut bench, url) = watched().await;
    let dir = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(dir.path(), url.strip_prefix("http://").unwrap());
    let delivered = r#"sluicegate_events_delivered_total{attempt="first"}"#;
    let started = Instant::now();
    let mut number = 0;
    while prometheus.query(delivered).await != json!("2000") {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "2,000 events are told"
        );
        if number < 2_000 {
            bench.publish("u-1", number..number + 100).await;
            number += 100;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A histogram, a state and a rule, as the dashboard and the rules use them.
    for (expression, value) in [
        ("up", json!("1")),
        (
            r#"sluicegate_delivery_latency_seconds_bucket{le="+Inf"}"#,
            json!("2000"),
        ),
        (r#"sluicegate_feed_state{state="live"}"#, json!("1")),
        (
            r#"ALERTS{alertname="SluicegateSpoolStopsTheFeed"}"#,
            Value::Null,
        ),
    ] {
        assert_eq!(prometheus.query(expression).await, value, "{expression}");
    }
    bench.end().await;
}
