//! A relay as its operator sets it up: the program, its settings, its certificate.

use std::path::Path;
use std::process::Command;

use rcgen::{CertificateParams, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;

use crate::program::{self, Serving, get, signal, sluicegate};
use crate::{http, next};

/// A relay with these settings.
fn with(folder: &Path, settings: &str) -> Command {
    let file = folder.join("relay.toml");
    std::fs::write(&file, settings).unwrap();
    let mut command = sluicegate();
    command.args(["relay", "--listen", "127.0.0.1:0", "--config"]);
    command.arg(file);
    command
}

async fn post(url: &str, body: &Value) -> (u16, Value) {
    let request = http().post(url).body(body.to_string());
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    (status, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_webhooks_become_events_by_the_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let settings = r#"
        [relay.webhook]
        event_type = "name"
        user_id = "customer.id"
        event_time = "at"
        "user_properties.plan" = "customer.plan"
        event_properties = "*"
    "#;
    let relay = Serving::start(&mut with(folder.path(), settings));
    let feed = format!("{}/feed?last_received=", relay.url.replace("http", "ws"));
    let own = json!({
        "name": "Signup", "customer": {"id": "u-1", "plan": "pro"},
        "at": "2026-11-25 09:00:00.000000", "coupon": ["A", 1],
    });
    let url = format!("{}/webhook", relay.url);
    assert_eq!(post(&url, &own).await.0, 200);
    let (status, says) = post(&url, &json!({"customer": {"id": "u-1"}})).await;
    assert_eq!(
        (status, &says["missing_field"]),
        (400, &json!("event_type"))
    );
    let (mut client, _) = connect_async(feed).await.unwrap();
    let mut event = next(&mut client).await;
    event.as_object_mut().unwrap().remove("message_id");
    assert_eq!(
        event,
        json!({
            "event_type": "Signup", "user_id": "u-1",
            "event_time": "2026-11-25 09:00:00.000000",
            "user_properties": {"plan": "pro"},
            "event_properties": {"coupon": ["A", 1]},
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_over_the_limit_is_answered_429_as_by_amplitude() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[relay]\ndevice_events_per_second = 1\nevents_per_second = 10\n";
    let relay = Serving::start(&mut with(folder.path(), settings));
    let event = |device: &str| json!({"event_type": "A", "device_id": device});
    let send = |events: Vec<Value>| {
        let url = format!("{}/2/httpapi", relay.url);
        async move { post(&url, &json!({"api_key": "k", "events": events})).await }
    };
    // An average over half a minute: 30 at once are not too many.
    assert_eq!(send(vec![event("wild"); 30]).await.0, 200);
    let (status, says) = send(vec![event("calm"), event("wild")]).await;
    assert_eq!(status, 429, "{says}");
    assert_eq!(says["eps_threshold"], 1);
    assert_eq!(says["throttled_devices"], json!({"wild": 2}));
    assert_eq!(says["throttled_events"], json!([1]));
    assert_eq!(send(vec![event("calm")]).await.0, 200);
    // All together may send 300 in half a minute.
    let many: Vec<Value> = (0..270).map(|n| event(&format!("d-{n}"))).collect();
    let (status, says) = send(many).await;
    assert_eq!(
        (status, &says["eps_threshold"]),
        (429, &json!(10)),
        "{says}"
    );
    let health = get(&format!("{}/healthz", relay.url));
    assert_eq!(
        (&health["received"], &health["refused"]),
        (&json!(31), &json!(2))
    );
}

#[test]
fn a_reload_without_a_certificate_is_reported() {
    let mut command = sluicegate();
    command.args(["relay", "--headless", "--listen", "127.0.0.1:0"]);
    let mut relay = Serving::start(command.stderr(std::process::Stdio::piped()));
    let log = std::io::BufReader::new(relay.stderr());
    let (told, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = std::io::BufRead::lines(log).map_while(Result::ok);
        let said = lines.find(|line| line.contains("SIGHUP"));
        // Nobody waits for it any more where it came too late.
        let _ = told.send(said.unwrap_or_default());
    });
    signal("HUP", relay.pid());
    let said = said
        .recv_timeout(std::time::Duration::from_secs(20))
        .unwrap();
    assert!(
        said.contains("reloads only its TLS certificate, and none is set"),
        "{said}"
    );
    // It goes on.
    let health = get(&format!("{}/healthz", relay.url));
    assert_eq!(health["received"], 0);
}

#[test]
fn invalid_settings_are_reported_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    for (settings, says) in [
        (
            "[relay]\ntls_cert_file = \"x.pem\"",
            "needs both files; write tls_cert_file and tls_key_file",
        ),
        (
            "[relay]\npass_to = \"amplitude\"",
            "relay.pass_to: \"amplitude\" is no server",
        ),
        ("[relay]\nretain = \"a day\"", ":2: relay.retain:"),
        (
            "[relay.webhook]\na = \"x\"\n\"a.b\" = \"y\"",
            "relay.webhook.a.b: a has its own path",
        ),
        ("[relay]\nlisten = \"here\"", "relay.listen"),
    ] {
        let mut command = sluicegate();
        let file = folder.path().join("s.toml");
        std::fs::write(&file, settings).unwrap();
        let output = command.args(["relay", "--config"]).arg(&file).output();
        let output = output.unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(says), "{settings}: {told}");
    }
}

/// An authority, in `ca.pem`, and what it signs for localhost.
struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    fn new(folder: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let own = params.self_signed(&key).unwrap();
        std::fs::write(folder.join("ca.pem"), own.pem()).unwrap();
        Self(Issuer::new(params, key))
    }

    /// Writes `relay.pem` and `relay.key`.
    fn issue(&self, folder: &Path) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let own = params.signed_by(&key, &self.0).unwrap();
        std::fs::write(folder.join("relay.pem"), own.pem()).unwrap();
        std::fs::write(folder.join("relay.key"), key.serialize_pem()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_a_certificate_speaks_tls_to_senders_and_forwarders_and_reads_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    authority.issue(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let mut command = sluicegate();
    command.args(["relay", "--listen", "127.0.0.1:0"]);
    command.args([
        "--tls-cert",
        &file("relay.pem"),
        "--tls-key",
        &file("relay.key"),
    ]);
    // Editors of another system put a mark in front.
    for name in ["relay.pem", "relay.key", "ca.pem"] {
        let pem = std::fs::read_to_string(file(name)).unwrap();
        std::fs::write(file(name), format!("\u{feff}{pem}")).unwrap();
    }
    let relay = Serving::start(&mut command);
    assert!(relay.url.starts_with("https://"), "{}", relay.url);
    let place = relay.url.replace("https://127.0.0.1", "localhost");
    let trusting = |ca: &[u8]| {
        let ca = reqwest::Certificate::from_pem(ca).unwrap();
        let client = reqwest::Client::builder().no_proxy();
        client.tls_certs_only([ca]).build().unwrap()
    };
    let _ = http();
    let first_ca = std::fs::read(file("ca.pem")).unwrap();
    let first_ca = first_ca.strip_prefix(b"\xef\xbb\xbf").unwrap();
    let now = sluicegate::amplitude::time::now();
    let event = json!({"event_type": "Signup", "user_id": "u-1", "time": now}).to_string();
    let send = |http: reqwest::Client| {
        let request = http.post(format!("https://{place}/webhook"));
        request.body(event.clone()).send()
    };
    assert_eq!(send(trusting(first_ca)).await.unwrap().status(), 200);
    // A forwarder that trusts the authority gets it, over TLS.
    let sandbox = program::sandbox(&[]);
    let feed = format!("wss://{place}/feed?last_received=");
    let output = program::run(&feed, &sandbox.url)
        .env("SLUICEGATE_FEED_CA_FILE", file("ca.pem"))
        .output();
    let output = tokio::task::spawn_blocking(move || output.unwrap());
    let summary = program::summary(&output.await.unwrap());
    assert_eq!(summary["totals"]["delivered"], 1, "{summary}");
    // Another authority's certificate, read again without a connection lost.
    let other = tempfile::tempdir().unwrap();
    let authority = Authority::new(other.path());
    authority.issue(folder.path());
    signal("HUP", relay.pid());
    let other_ca = std::fs::read(other.path().join("ca.pem")).unwrap();
    let mut left = 100;
    while send(trusting(&other_ca)).await.is_err() {
        left -= 1;
        assert!(left > 0, "the certificate is not read again");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(send(trusting(first_ca)).await.is_err());
    // Files that are no certificate change nothing.
    std::fs::write(file("relay.pem"), "no certificate").unwrap();
    signal("HUP", relay.pid());
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(send(trusting(&other_ca)).await.unwrap().status(), 200);
}
