//! What servers, and what stands in front of them, answer to the feed's handshake, byte for byte.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;

use std::time::{Duration, Instant};

use common::{FrameReceiver, settings, until};
use sluicegate::feed::{Feed as _, FeedChannel, FeedState, FeedStatus, WebSocketFeed};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const EVENT: &[u8] = br#"{"event_type":"A","user_id":"u"}"#;

/// A frame without a mask, as servers send them.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode, u8::try_from(payload.len()).unwrap()];
    bytes.extend_from_slice(payload);
    bytes
}

/// A server that reads a request and answers each connection with `answer`, in which `{accept}` is
/// the key's answer; then it leaves the connection open.
async fn answering(answer: Vec<u8>) -> (String, watch::Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}/feed?token=s3cret", listener.local_addr().unwrap());
    let (seen, request) = watch::channel(String::new());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            let (stream, head) = answer_one(stream, &answer).await;
            seen.send_replace(head);
            open.push(stream);
        }
    });
    (url, request)
}

async fn answer_one(stream: TcpStream, answer: &[u8]) -> (BufReader<TcpStream>, String) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).await.unwrap() > 0);
    }
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = derive_accept_key(key.unwrap().as_bytes());
    let mut parts = answer.splitn(2, |byte| *byte == b'{');
    let (before, behind) = (parts.next().unwrap(), parts.next());
    stream.write_all(before).await.unwrap();
    if let Some(behind) = behind {
        stream.write_all(accept.as_bytes()).await.unwrap();
        stream
            .write_all(behind.strip_prefix(b"accept}").unwrap())
            .await
            .unwrap();
    }
    stream.flush().await.unwrap();
    (stream, head)
}

fn subscribe(settings: sluicegate::config::Feed) -> (FrameReceiver, watch::Receiver<FeedStatus>) {
    let (status_told, status) = watch::channel(FeedStatus::default());
    let (channel, frames) =
        FeedChannel::new(watch::channel(None).1, watch::channel(None).1, status_told);
    tokio::spawn(Box::new(WebSocketFeed::new(settings).unwrap()).run(channel));
    (frames.into(), status)
}

async fn down(status: &watch::Receiver<FeedStatus>) -> (String, i64) {
    let mut seen = (String::new(), 0);
    until("the feed is down", || match &status.borrow().state {
        FeedState::Down { why, next_ms } => {
            seen = (why.clone(), *next_ms);
            true
        }
        _ => false,
    })
    .await;
    seen
}

async fn refusal(answer: &[u8]) -> (String, i64) {
    let (url, _) = answering(answer.to_vec()).await;
    let (_frames, status) = subscribe(settings(&url, "http://unused").feed);
    down(&status).await
}

#[tokio::test]
async fn a_connection_header_that_lists_upgrade_in_one_line_or_several_opens_a_feed() {
    for connection in [
        "Connection: Upgrade\r\n",
        "Connection: keep-alive, Upgrade\r\n",
        "connection: upgrade,keep-alive\r\n",
        "Connection: keep-alive\r\nConnection: UPGRADE\r\n",
        "Connection: a ,\t upGrade , b\r\n",
    ] {
        // The first event comes with the head, in one piece.
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n{connection}Sec-WebSocket-Accept: {{accept}}\r\n\r\n"
        );
        let (url, _) = answering([head.as_bytes(), &frame(1, EVENT)].concat()).await;
        let (mut frames, status) = subscribe(settings(&url, "http://unused").feed);
        let came = tokio::time::timeout(Duration::from_secs(5), frames.recv()).await;
        let came = came.unwrap_or_else(|_| panic!("{connection:?}: {:?}", status.borrow()));
        assert_eq!(came.unwrap().text.unwrap().as_bytes(), EVENT);
    }
}

#[tokio::test]
async fn an_answer_that_opens_no_web_socket_says_why() {
    let switching = |headers: &str| format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n");
    for (answer, says) in [
        (switching("Upgrade: websocket\r\nConnection: keep-alive\r\nSec-WebSocket-Accept: {accept}\r\n"), "the server breaks the WebSocket protocol: its answer does not upgrade the connection"),
        (switching("Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"), "the server breaks the WebSocket protocol: its answer does not upgrade to a WebSocket"),
        (switching("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: c3RhbGU=\r\n"), "the server breaks the WebSocket protocol: Sec-WebSocket-Accept does not match"),
        (switching("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: json\r\n"), "the server breaks the WebSocket protocol: it chose a subprotocol, but none was requested"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 22\r\n\r\n\r\n<html>sign\x1b in</html>".to_owned(), "the server answers 200 OK; that is not a WebSocket: check feed.url; it says “<html>sign␛ in</html>"),
        ("HTTP/1.1 302 Found\r\nLocation: wss://bob:pw@other.example/feed?token=s3cret\r\n\r\n".to_owned(), "the server answers 302 Found; it redirects to wss://…@other.example/feed?token=…, which is not followed: write the final address in feed.url"),
        ("HTTP/1.1 307 Temporary Redirect\r\nLocation: /v2/feed\r\n\r\n".to_owned(), "the server answers 307 Temporary Redirect; it redirects to ws://127.0.0.1:"),
        ("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\n\r\n".to_owned(), "the server answers 426 Upgrade Required; it requires version 8"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n".to_owned(), "the server answers 403 Forbidden; check feed.token"),
        ("SSH-2.0-OpenSSH\r\n".to_owned(), "the answer is not HTTP: “SSH-2.0-OpenSSH”; for a server with TLS, use wss://"),
    ] {
        let (why, _) = refusal(answer.as_bytes()).await;
        assert!(why.starts_with(says), "{why}\nis not\n{says}");
        assert!(!why.contains("s3cret") && !why.contains("pw@"), "{why}");
    }
}

#[tokio::test]
async fn retry_after_is_kept_within_bounds_and_told() {
    let now = sluicegate::amplitude::time::now();
    for (status, after, quiet, says) in [
        (
            "429 Too Many Requests",
            "5",
            5_000,
            "; it asks to wait 5.0 s",
        ),
        (
            "503 Service Unavailable",
            "5",
            5_000,
            "; it asks to wait 5.0 s",
        ),
        (
            "503 Service Unavailable",
            "86400",
            300_000,
            "of which 5 min are respected",
        ),
        (
            "503 Service Unavailable",
            "soon",
            0,
            "503 Service Unavailable",
        ),
        (
            "500 Internal Server Error",
            "5",
            0,
            "500 Internal Server Error",
        ),
    ] {
        let answer =
            format!("HTTP/1.1 {status}\r\nRetry-After: {after}\r\nContent-Length: 0\r\n\r\n");
        let (why, next_ms) = refusal(answer.as_bytes()).await;
        assert!(why.contains(says), "{why}");
        let wait = next_ms - now;
        assert!(
            (quiet..quiet * 11 / 10 + 5_000).contains(&wait),
            "{status}: {wait} ms"
        );
    }
    // And it waits for so long.
    let (url, request) = answering(
        b"HTTP/1.1 429 Slow down\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n".to_vec(),
    )
    .await;
    let mut request = request;
    let (_frames, _status) = subscribe(settings(&url, "http://unused").feed);
    request.changed().await.unwrap();
    let started = Instant::now();
    request.changed().await.unwrap();
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_close_says_whether_it_has_a_code() {
    let open = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";
    for (close, says) in [
        (
            frame(8, b""),
            "the server closed the connection without a code or a reason",
        ),
        (
            frame(8, b"\x03\xe8"),
            "the server closed the connection, it is done (1000)",
        ),
        (
            frame(8, b"\x0f\xa1token \x1b[2Jexpired"),
            "the server closed the connection, for an unknown reason (4001: token ␛[2Jexpired)",
        ),
        (
            frame(8, b"\x03"),
            "the server breaks the WebSocket protocol: ",
        ),
        (
            frame(8, b"\x03\xed"),
            "the server closed the connection over a violation of the WebSocket protocol",
        ),
    ] {
        let (why, _) = refusal(&[&open[..], &close].concat()).await;
        assert!(why.starts_with(says), "{why}\nis not\n{says}");
    }
}

#[tokio::test]
async fn a_user_name_and_password_in_the_address_are_sent_as_basic() {
    let (url, mut request) = answering(b"HTTP/1.1 401 Unauthorized\r\n\r\n".to_vec()).await;
    let url = url.replace("ws://", "WS://b%40b:p%3Aw%20%C3%A4@");
    let (_frames, _status) = subscribe(settings(&url, "http://unused").feed);
    request.changed().await.unwrap();
    let head = request.borrow().clone();
    // "b@b:p:w ä"
    assert!(
        head.contains("\r\nauthorization: Basic YkBiOnA6dyDDpA==\r\n"),
        "{head}"
    );
    assert!(
        head.starts_with("GET /feed?token=s3cret HTTP/1.1\r\nHost: 127.0.0.1:"),
        "{head}"
    );
    assert_eq!(head.matches("b%40b").count(), 0, "{head}");
}
