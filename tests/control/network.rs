//! The control API on the network: tokens, TLS, and requests that are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use sluicegate::control::socket;

use crate::bench::{Bench, is_done, json_of, out};
use crate::common::nowhere;
use crate::forwarder::said;
use crate::program::sluicegate;
use crate::tls::Authority;

/// A forwarder that listens by TLS, with a token for an operator and one for a viewer. Returns also
/// its URL, and the file of the authority that issued its certificate.
async fn with_tokens(dir: &Path) -> (Bench, String, String) {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("localhost");
    let file = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (cert, key) = (
        file("cert.pem", &certificate.pem()),
        file("key.pem", &key.serialize_pem()),
    );
    let ca = file("ca.pem", &authority.pem());
    let config = file(
        "s.toml",
        "[control.operators]\nann = \"the-token-of-an-operator\"\n[control.viewers]\nwall = \"the-token-of-a-viewer\"\n",
    );
    let address = nowhere();
    let listen = address.to_string();
    let bench = Bench::start(&[
        ("SLUICEGATE_CONFIG", &config),
        ("SLUICEGATE_CONTROL_LISTEN", &listen),
        ("SLUICEGATE_CONTROL_TLS_CERT_FILE", &cert),
        ("SLUICEGATE_CONTROL_TLS_KEY_FILE", &key),
    ])
    .await;
    (bench, format!("https://localhost:{}", address.port()), ca)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_network_a_token_says_who_may_do_what() {
    let dir = tempfile::tempdir().unwrap();
    let (mut bench, url, ca) = with_tokens(dir.path()).await;
    let ctl = |token: &str, args: &[&str]| {
        let mut command = sluicegate();
        command
            .args(["ctl", "--at", &url, "--ca-file", &ca])
            .args(args);
        command
            .env("SLUICEGATE_CONTROL_TOKEN", token)
            .output()
            .unwrap()
    };
    let (ann, wall) = ("the-token-of-an-operator", "the-token-of-a-viewer");
    assert!(is_done(&ctl(wall, &["status"])));
    let refused = ctl(wall, &["gate", "shut", "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said(&refused).contains("a viewer may not change anything"),
        "{refused:?}"
    );
    assert!(is_done(&ctl(ann, &["gate", "dry-run", "--yes"])));
    let changes = out(&ctl(wall, &["changes"]));
    assert!(
        changes.contains("ann  (127.0.0.1)  gate: dry-run"),
        "{changes}"
    );
    for wrong in ["", "the-token-of-a-viewe", "another-long-token"] {
        let refused = ctl(wrong, &["status"]);
        assert_eq!(refused.status.code(), Some(1), "{wrong:?}");
        assert!(
            said(&refused).contains("Authorization: Bearer"),
            "{refused:?}"
        );
    }
    let mut untrusted = sluicegate();
    untrusted
        .args(["ctl", "--at", &url, "status"])
        .env("SLUICEGATE_CONTROL_TOKEN", ann);
    let untrusted = untrusted.output().unwrap();
    assert_eq!(untrusted.status.code(), Some(2));
    assert!(
        said(&untrusted).contains("certificate is not trusted"),
        "{untrusted:?}"
    );
    // Neither the tokens nor the rest of the secrets are in what it says.
    let ended = bench.end().await;
    assert!(!said(&ended).contains("the-token-of"), "{}", said(&ended));
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_requests_are_refused_with_the_reason() {
    let address = nowhere();
    let listen = address.to_string();
    let bench = Bench::start(&[("SLUICEGATE_CONTROL_LISTEN", &listen)]).await;
    sluicegate::http::install_ring();
    let http = reqwest::Client::new();
    let url = |path: &str| format!("http://{address}{path}");
    let status = async |request: reqwest::RequestBuilder| {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(status(http.get(url("/v1/status"))).await.0, 200);
    let (code, why) = status(http.put(url("/v1/gate")).body(r#"{"mode":"open"}"#)).await;
    assert_eq!((code, why.contains("viewer")), (403, true), "{why}");
    let page = http
        .get(url("/v1/status"))
        .header("origin", "https://evil.example");
    let (code, why) = status(page).await;
    assert_eq!((code, why.contains("web page")), (403, true), "{why}");
    let (code, why) = status(http.get(url("/v2/status"))).await;
    assert_eq!((code, why.contains("version 1")), (404, true), "{why}");
    assert_eq!(status(http.delete(url("/v1/gate"))).await.0, 405);
    assert_eq!(status(http.get(url("/v1/events?when=1"))).await.0, 400);

    let on_socket = reqwest::Client::builder().unix_socket(socket::path(&bench.spool()));
    let on_socket = on_socket.build().unwrap();
    let put =
        |path: &str, body: String| on_socket.put(format!("http://localhost{path}")).body(body);
    for body in [
        "",
        "{",
        r#"{"mode":"ajar"}"#,
        r#"{"mode":"open","x":1}"#,
        "[]",
    ] {
        let (code, why) = status(put("/v1/gate", body.to_owned())).await;
        assert_eq!(
            (code, why.contains("not as expected")),
            (400, true),
            "{body} {why}"
        );
    }
    let (code, _) = status(put("/v1/filters", "x".repeat(65 << 20))).await;
    assert_eq!(code, 413);
    let mode = fs::metadata(socket::path(&bench.spool()))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // All of that has changed nothing.
    let status = json_of(&bench.ctl(&["status", "--format", "json"]));
    assert_eq!(
        (&status["mode"], &status["filters_version"]),
        (&json!("open"), &json!(1))
    );
}

#[test]
fn a_control_api_that_strangers_could_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("s.toml");
    let check = |text: &str| {
        fs::write(&config, text).unwrap();
        let mut command: Command = sluicegate();
        {
            let output = command
                .args(["config", "check", "--config"])
                .arg(&config)
                .output()
                .unwrap();
            out(&output) + &said(&output)
        }
    };
    let open = check("[control]\nlisten = \"0.0.0.0:4090\"\n");
    assert!(open.contains("needs TLS and tokens"), "{open}");
    let half = check("[control]\ntls_cert_file = \"a.pem\"\n");
    assert!(half.contains("TLS needs both files"), "{half}");
    let short = check("[control.operators]\nann = \"secret\"\n");
    assert!(
        short.contains("control.operators.ann") && short.contains("too short"),
        "{short}"
    );
    assert!(!short.contains("\"secret\""), "{short}");
    let nowhere = check("[control]\nlisten = \"here\"\n");
    assert!(
        nowhere.contains("not an IP address with a port"),
        "{nowhere}"
    );
}
