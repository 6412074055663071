//! Who may send events and read the feed.

use secrecy::SecretString;
use sluicegate::relay::{Options, SECRET_HEADER};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::program::sluicegate;
use crate::{http, next, open, relay};

#[tokio::test(flavor = "multi_thread")]
async fn without_secret_and_token_nobody_sends_or_reads() {
    let relay = relay(Options {
        secret: Some(SecretString::from("swordfish")),
        token: Some(SecretString::from("reader")),
        ..open()
    })
    .await;
    let http = http();
    let event = r#"{"event_type":"A","user_id":"u"}"#;
    for (path, header, status) in [
        ("/webhook", None, 401),
        ("/webhook", Some("swordfis"), 401),
        ("/webhook", Some("swordfishes"), 401),
        ("/webhook", Some("swordfish"), 200),
        ("/s/wrong/webhook", None, 401),
        ("/s/swordfish/webhook", None, 200),
        ("/s/swordfish/2/httpapi", None, 400),
        ("/2/httpapi", None, 401),
    ] {
        let mut request = http.post(format!("{}{path}", relay.url())).body(event);
        if let Some(secret) = header {
            request = request.header(SECRET_HEADER, secret);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{path} {header:?}");
    }
    // It is told so however much it sends.
    let large = http.post(format!("{}/batch", relay.url()));
    let answer = large.body(vec![b' '; 900_000]).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let refused = connect_async(relay.feed_url()).await.unwrap_err();
    assert!(
        matches!(refused, Error::Http(ref answer) if answer.status() == 401),
        "{refused}"
    );
    let mut request = relay.feed_url().into_client_request().unwrap();
    request
        .headers_mut()
        .insert("Authorization", "Bearer reader".parse().unwrap());
    let (mut client, _) = connect_async(request).await.unwrap();
    assert_eq!(next(&mut client).await["event_type"], "A");
    // A browser that only looks is told what it is.
    let answer = http.get(relay.feed_url().replace("ws://", "http://"));
    let answer = answer
        .header("Authorization", "Bearer reader")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 426);
}

#[test]
fn a_relay_that_others_can_reach_requires_its_secrets() {
    let output = sluicegate()
        .args(["relay", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(says.contains("SLUICEGATE_RELAY_SECRET"), "{says}");
}

#[tokio::test]
async fn a_silent_connection_delays_nobody() {
    let relay = relay(open()).await;
    let place = relay.url().replace("http://", "");
    let mut silent = TcpStream::connect(&place).await.unwrap();
    let health = http()
        .get(format!("{}/healthz", relay.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), 200);
    silent
        .write_all(b"\x16\x03\x01 no http at all\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = silent.read_to_end(&mut answer).await;
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"),
        "{answer:?}"
    );
}
