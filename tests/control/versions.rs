//! Clients and forwarders of different versions.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bench::{Bench, out};
use crate::common::nowhere;
use crate::forwarder::said;
use crate::program::sluicegate;

/// A forwarder that answers this to the question for its version, and nothing that this version knows.
async fn other(version: Value) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let strange = |uri: Uri| async move {
        let why = format!("there is no {} in this version", uri.path());
        (StatusCode::NOT_FOUND, json!({ "error": why }).to_string())
    };
    let routes = Router::new()
        .route("/version", get(move || async move { version.to_string() }))
        .fallback(strange);
    tokio::spawn(async { axum::serve(listener, routes).await });
    url
}

async fn ctl(url: &str) -> std::process::Output {
    let mut command = sluicegate();
    command.args(["ctl", "--at", url, "status"]);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_says_which_side_is_older_and_what_to_update() {
    let newer = other(json!({ "protocol": 2, "screen": 5, "version": "9.1.0" })).await;
    let output = ctl(&newer).await;
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    for expected in [
        "sluicegate 9.1.0, which speaks version 2 of the control API",
        &format!("this is sluicegate {}", env!("CARGO_PKG_VERSION")),
        "this one is older: update sluicegate here",
    ] {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
    let older = other(json!({ "protocol": 0, "screen": 1, "version": "0.0.1" })).await;
    let told = said(&ctl(&older).await);
    for expected in [
        "sluicegate 0.0.1, which speaks version 0 of the control API",
        "the forwarder is older: update it there and start it again",
    ] {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarder_tells_clients_of_other_versions_what_to_update() {
    let address: SocketAddr = nowhere();
    let listen = address.to_string();
    let bench = Bench::start(&[("SLUICEGATE_CONTROL_LISTEN", &listen)]).await;
    sluicegate::http::install_ring();
    let http = reqwest::Client::new();
    let ask = async |path: &str| {
        let answer = http.get(format!("http://{address}{path}")).send().await;
        let answer = answer.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (code, why) = ask("/v0/status").await;
    assert_eq!(code, 404);
    assert!(why.contains("version 1 of the control API"), "{why}");
    assert!(why.contains("the client is older: update it"), "{why}");
    let (code, why) = ask("/v2/status").await;
    assert_eq!(code, 404);
    assert!(why.contains("the forwarder is older: update it"), "{why}");
    // Whatever the version, this is where it is asked for.
    let (code, version) = ask("/version").await;
    let version: Value = serde_json::from_str(&version).unwrap();
    assert_eq!((code, &version["protocol"]), (200, &json!(1)));
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    let output = ctl(&format!("http://{address}")).await;
    assert!(out(&output).contains("workspace"), "{output:?}");
    drop(bench);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_no_forwarder_is_named_as_one() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().fallback(|| async { "<html>hello</html>" });
    tokio::spawn(async { axum::serve(listener, routes).await });
    let output = ctl(&url).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("is it a forwarder"), "{output:?}");
}
