//! `doctor` against hops that are really broken, one at a time.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/forward_proxy.rs"]
mod forward_proxy;
#[path = "common/program.rs"]
mod program;
#[path = "common/stub.rs"]
mod stub;
#[path = "common/tls.rs"]
mod tls;

use std::process::{Command, Output};

use forward_proxy::{ForwardProxy, Rules};
use futures_util::{SinkExt as _, StreamExt as _};
use program::sluicegate;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use sluicegate::customerio::sandbox::{Options, Sandbox};
use stub::{Canned, Stub};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;

const EVENT: &str = r#"{"event_type":"A","user_id":"u-1","time":1750000000000,"insert_id":"i"}"#;
const FEED: [&str; 6] = [
    "feed.dns",
    "feed.connect",
    "feed.tls",
    "feed.handshake",
    "feed.first_frame",
    "feed.ping",
];

/// A feed that sends this text to each client.
async fn feed(text: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
                    return;
                };
                let _ = socket.send(Message::text(text)).await;
                while let Some(Ok(_)) = socket.next().await {}
            });
        }
    });
    url
}

/// A feed with TLS, whose certificate is of no authority and ends in this year; and the certificate.
async fn self_signed(year: i32) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let at = tls::feed(TlsAcceptor::from(std::sync::Arc::new(config))).await;
    (format!("wss://{at}"), certificate.pem())
}

async fn sandbox() -> Sandbox {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = Options {
        credentials: Some("site:key".to_owned()),
        ..Options::default()
    };
    Sandbox::start(listener, options).unwrap()
}

fn doctor(feed: &str, server: &str) -> Command {
    let mut command = sluicegate();
    command
        .args(["doctor", "--timeout", "3s", "--format", "json"])
        .env("SLUICEGATE_FEED_URL", feed)
        .env("SLUICEGATE_CUSTOMERIO_SITE_ID", "site")
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key")
        .env("SLUICEGATE_CUSTOMERIO_BASE_URL", server);
    command
}

/// The report, and the exit code.
struct Report(Value, Option<i32>);

impl Report {
    async fn of(mut command: Command) -> Self {
        let run = move || command.output().unwrap();
        let Output { stdout, status, .. } = tokio::task::spawn_blocking(run).await.unwrap();
        Self(serde_json::from_slice(&stdout).unwrap(), status.code())
    }

    fn check(&self, name: &str) -> &Value {
        let checks = self.0["checks"].as_array().unwrap();
        let found = checks.iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {}", self.0))
    }

    fn outcome(&self, name: &str) -> &str {
        self.check(name)["outcome"].as_str().unwrap()
    }

    /// Asserts that this check failed, saying this, and no other did.
    fn failed_only(&self, name: &str, says: &str) {
        let checks = self.0["checks"].as_array().unwrap();
        let failed = checks.iter().filter(|check| check["outcome"] == "failed");
        let names: Vec<&str> = failed
            .map(|check| check["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, [name], "{}", self.0);
        let check = self.check(name);
        let detail = check["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
        assert!(!check["advice"].as_str().unwrap().is_empty());
        assert_eq!((self.1, &self.0["ok"]), (Some(1), &Value::Bool(false)));
        let skipped = FEED.iter().skip_while(|one| **one != name).skip(1);
        for one in skipped {
            assert_eq!(self.outcome(one), "not_checked");
            let detail = self.check(one)["detail"].as_str().unwrap();
            assert_eq!(detail, format!("{name} failed"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_checks_pass_and_nothing_is_sent_unless_asked() {
    let (feed, sandbox) = (feed(EVENT).await, sandbox().await);
    let mut report = Report::of(doctor(&feed, &sandbox.url())).await;
    assert_eq!(report.1, Some(0), "{}", report.0);
    for name in FEED.iter().chain(&[
        "version",
        "configuration",
        "clock",
        "customerio.credentials",
        "spool.folder",
        "forwarder",
        "terminal",
    ]) {
        assert_eq!(report.outcome(name), "ok", "{}", report.0);
    }
    let detail = report.check("feed.first_frame")["detail"].as_str().unwrap();
    assert!(detail.starts_with("1 event of") && detail.ends_with("HTTP V2"));
    let sent = |report: &Report| report.0.to_string().contains("customerio.test_event");
    assert!(!sent(&report));
    let mut command = doctor(&feed, &sandbox.url());
    command.args(["--send-test", "u-77"]);
    report = Report::of(command).await;
    assert_eq!(
        report.outcome("customerio.test_event"),
        "ok",
        "{}",
        report.0
    );
    let events = sandbox.events_of("u-77");
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].name, "sluicegate_doctor_test");
    assert_eq!(sandbox.people(), ["u-77"], "nobody else was sent anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_hop_to_the_feed_is_named_and_those_after_it_are_not_checked() {
    let sandbox = sandbox().await;
    let refusing = Stub::choosing(|_| Some(Canned::new(400, "no such feed"))).await;
    let port = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let refused = format!("ws://{}", port.local_addr().unwrap());
    drop(port);
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let silent_url = format!("ws://{}", silent.local_addr().unwrap());
    let cases = [
        (
            "ws://no-such-host.invalid/feed".to_owned(),
            "feed.dns",
            "no such host",
        ),
        (refused, "feed.connect", "connection refused"),
        (self_signed(2090).await.0, "feed.tls", "not trusted"),
        (
            refusing.url.replace("http", "ws"),
            "feed.handshake",
            "no such feed",
        ),
        (silent_url, "feed.handshake", "no answer within 3s"),
        (feed("hello").await, "feed.first_frame", "unreadable"),
        (
            feed(r#"{"event_type""#).await,
            "feed.first_frame",
            "unreadable",
        ),
    ];
    for (url, name, says) in cases {
        let report = Report::of(doctor(&url, &sandbox.url())).await;
        if name == "feed.first_frame" {
            assert_eq!(
                (report.outcome(name), report.1),
                ("failed", Some(1)),
                "{}",
                report.0
            );
            let detail = report.check(name)["detail"].as_str().unwrap();
            assert!(detail.contains(says), "{detail}");
            assert_eq!(report.outcome("feed.ping"), "ok", "the connection goes on");
        } else {
            report.failed_only(name, says);
        }
    }
}

/// A proxy that nobody answers for.
async fn no_proxy() -> String {
    let port = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    port.local_addr().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_tried_by_itself_and_says_which_step_fails() {
    let (own_feed, sandbox) = (feed(EVENT).await, sandbox().await);
    let rules = || Rules::default().host("feed.example", &own_feed);
    let closed = ForwardProxy::start(rules().credentials("ann", "secret")).await;
    let elsewhere = ForwardProxy::start(Rules::default()).await;
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let silent_at = silent.local_addr().unwrap().to_string();
    for (proxy, says, advice) in [
        (no_proxy().await, "refused", "that it runs"),
        (closed.place.clone(), "407", "user name and a password"),
        (
            format!("ann:wrong@{}", closed.place),
            "it refuses the user name",
            "a password",
        ),
        (
            elsewhere.place.clone(),
            "502 Bad Gateway to CONNECT feed.example:80",
            "NO_PROXY",
        ),
        (silent_at, "no answer within 3s", "that it runs"),
    ] {
        let mut command = doctor("ws://feed.example/", &sandbox.url());
        command.env("SLUICEGATE_FEED_PROXY", &proxy);
        let report = Report::of(command).await;
        let check = report.check("feed.proxy");
        report.failed_only("feed.proxy", says);
        assert!(
            check["advice"].as_str().unwrap().contains(advice),
            "{check}"
        );
        assert!(!check.to_string().contains("wrong"), "{check}");
        for name in FEED {
            assert_eq!(
                report.check(name)["detail"],
                "feed.proxy failed",
                "{}",
                report.0
            );
        }
    }
    let mut command = doctor("ws://feed.example/", &sandbox.url());
    command.env(
        "SLUICEGATE_FEED_PROXY",
        format!("ann:secret@{}", closed.place),
    );
    let report = Report::of(command).await;
    let detail = report.check("feed.proxy")["detail"].as_str().unwrap();
    assert!(detail.ends_with("connects to feed.example"), "{}", report.0);
    assert_eq!(
        (report.outcome("feed.ping"), report.1),
        ("ok", Some(0)),
        "{}",
        report.0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_proxy_to_customerio_is_named_and_one_that_is_not_used_says_why() {
    let (feed, sandbox) = (feed(EVENT).await, sandbox().await);
    let closed = ForwardProxy::start(Rules::default().credentials("ann", "secret")).await;
    for (proxy, says) in [(no_proxy().await, "refused"), (closed.place.clone(), "407")] {
        let mut command = doctor(&feed, "https://track.example");
        command.env("SLUICEGATE_CUSTOMERIO_PROXY", proxy);
        let report = Report::of(command).await;
        report.failed_only("customerio.proxy", says);
        let credentials = report.check("customerio.credentials");
        assert_eq!(credentials["detail"], "customerio.proxy failed");
    }
    let mut command = doctor(&feed, &sandbox.url());
    command
        .env("HTTPS_PROXY", &closed.place)
        .env("HTTP_PROXY", &closed.place);
    let report = Report::of(command).await;
    assert_eq!(report.1, Some(0), "{}", report.0);
    let detail = report.check("customerio.proxy")["detail"].as_str().unwrap();
    assert!(
        detail.contains("it is this machine, or in NO_PROXY"),
        "{detail}"
    );
    let report = Report::of(doctor(&feed, &sandbox.url())).await;
    assert_eq!(report.check("feed.proxy")["detail"], "none is set");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_shows_its_end_and_an_expired_one_fails() {
    let sandbox = sandbox().await;
    let dir = tempfile::tempdir().unwrap();
    let ca_file = dir.path().join("ca.pem");
    for (year, outcome, says) in [(2090, "ok", "2090-01-01"), (2021, "failed", "expired")] {
        let (url, pem) = self_signed(year).await;
        std::fs::write(&ca_file, pem).unwrap();
        let mut command = doctor(&url, &sandbox.url());
        command.env("SLUICEGATE_FEED_CA_FILE", &ca_file);
        let report = Report::of(command).await;
        assert_eq!(report.outcome("feed.tls"), outcome, "{}", report.0);
        let detail = report.check("feed.tls")["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_a_wrong_clock_and_a_missing_server_are_told_apart() {
    let (feed, sandbox) = (feed(EVENT).await, sandbox().await);
    let mut command = doctor(&feed, &sandbox.url());
    command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "wrong");
    command.args(["--send-test", "u-1"]);
    let report = Report::of(command).await;
    report.failed_only("customerio.credentials", "401");
    assert_eq!(report.outcome("customerio.test_event"), "not_checked");

    let late = Stub::choosing(|_| {
        Some(Canned::new(200, "{}").with("date", "Mon, 06 Jan 2020 10:00:00 GMT"))
    })
    .await;
    let report = Report::of(doctor(&feed, &late.url)).await;
    assert_eq!((report.outcome("clock"), report.1), ("failed", Some(1)));
    let detail = report.check("clock")["detail"].as_str().unwrap();
    assert!(detail.contains("ahead of the server's Date"), "{detail}");

    let report = Report::of(doctor(&feed, "http://127.0.0.1:1")).await;
    report.failed_only("customerio.credentials", "no connection");
    assert_eq!(report.outcome("clock"), "not_checked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_folder_that_cannot_be_written_fails() {
    let (feed, sandbox) = (feed(EVENT).await, sandbox().await);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    for folder in [file, "/proc/spool".into()] {
        let mut command = doctor(&feed, &sandbox.url());
        command.env("SLUICEGATE_SPOOL_FOLDER", &folder);
        let report = Report::of(command).await;
        report.failed_only("spool.folder", &folder.display().to_string());
        for name in ["spool.disk", "spool.space", "forwarder"] {
            assert_eq!(report.outcome(name), "not_checked");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_settings_the_problems_are_listed_and_the_hops_are_not_checked() {
    let mut command = sluicegate();
    command.args(["doctor", "--format", "json"]);
    let report = Report::of(command).await;
    assert_eq!(report.1, Some(1));
    assert_eq!(report.outcome("configuration"), "failed");
    for name in FEED
        .iter()
        .chain(&["clock", "customerio.credentials", "spool.folder"])
    {
        assert_eq!(report.outcome(name), "not_checked", "{}", report.0);
    }
    let mut command = sluicegate();
    command.arg("doctor");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("FAILED       configuration"), "{text}");
    assert!(text.contains("→ correct this setting"), "{text}");
}
