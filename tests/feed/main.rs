//! The feed over real WebSockets: against our own server, and against servers that do what
//! servers do.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod poison;
#[path = "../common/tls.rs"]
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{FrameReceiver, down, event, feed, nowhere, settings, until};
use futures_util::{SinkExt, StreamExt};
use sluicegate::feed::{Feed, FeedChannel, FeedState, FeedStatus, MessageId, WebSocketFeed};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// A feed that runs, and the ends of its channel.
struct Running {
    frames: FrameReceiver,
    last_received: watch::Sender<Option<MessageId>>,
    safe: watch::Sender<Option<MessageId>>,
    status: watch::Receiver<FeedStatus>,
}

fn run(settings: sluicegate::config::Feed) -> Running {
    run_behind(None, settings)
}

/// A feed whose earlier run received `last` as its last message.
fn run_behind(last: Option<&str>, settings: sluicegate::config::Feed) -> Running {
    let (last_received, resume) = watch::channel(last.map(Into::into));
    let (safe, acknowledge) = watch::channel(None);
    let (status_told, status) = watch::channel(FeedStatus::default());
    let (channel, frames) = FeedChannel::new(resume, acknowledge, status_told);
    let feed = WebSocketFeed::new(settings).unwrap();
    tokio::spawn(Box::new(feed).run(channel));
    Running {
        frames: frames.into(),
        last_received,
        safe,
        status,
    }
}

fn settings_for(url: &str) -> sluicegate::config::Feed {
    settings(url, "http://unused").feed
}

impl Running {
    async fn next(&mut self) -> String {
        let frame = tokio::time::timeout(Duration::from_secs(10), self.frames.recv())
            .await
            .unwrap()
            .unwrap();
        frame.text.unwrap().to_string()
    }

    async fn down(&self) -> String {
        down(&self.status).await
    }
}

fn id_of(text: &str) -> MessageId {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    value["message_id"].as_str().unwrap().into()
}

#[tokio::test]
async fn events_come_with_message_ids_that_sort_by_time() {
    let server = feed().await;
    let mut running = run(settings_for(&server.url()));
    for n in 0..100 {
        server.publish(&event("u", n)).await;
    }
    let mut ids = Vec::new();
    for n in 0..100 {
        let text = running.next().await;
        assert!(text.contains(&format!(r#""number":{n}"#)));
        ids.push(id_of(&text));
    }
    assert!(ids.is_sorted());
    assert_eq!(running.status.borrow().state, FeedState::Live);
}

#[tokio::test]
async fn a_client_that_comes_back_resumes_behind_what_it_received() {
    let server = feed().await;
    let mut first = run(settings_for(&server.url()));
    for n in 0..10 {
        server.publish(&event("u", n)).await;
    }
    let mut last = None;
    for _ in 0..4 {
        last = Some(id_of(&first.next().await));
    }
    drop(first);
    until("the server has seen it go", || server.clients() == 0).await;
    let url = format!("{}?last_received={}", server.url(), last.unwrap());
    let mut second = run(settings_for(&url));
    assert!(second.next().await.contains(r#""number":4"#));
    let mut all = run(settings_for(&format!("{}?last_received=", server.url())));
    assert!(
        all.next().await.contains(r#""number":0"#),
        "an empty value asks for all that is kept"
    );
}

#[tokio::test]
async fn what_is_acknowledged_is_where_a_named_client_starts_again() {
    let server = feed().await;
    let mut settings = settings_for(&server.url());
    settings.acknowledge = true;
    settings
        .headers
        .insert("X-Client-Name".to_owned(), "forwarder-1".into());
    let mut first = run(settings.clone());
    for n in 0..6 {
        server.publish(&event("u", n)).await;
    }
    let mut third = None;
    for n in 0..6 {
        let text = first.next().await;
        if n == 2 {
            third = Some(id_of(&text));
        }
    }
    first.safe.send_replace(third);
    // The feed says what is safe as it leaves.
    drop(first.frames);
    until("the server has seen it go", || server.clients() == 0).await;
    let mut again = run(settings);
    assert!(again.next().await.contains(r#""number":3"#));
}

/// A server that answers each connection with `serve`, in turn.
async fn rude<F, Fut>(serve: F) -> String
where
    F: Fn(usize, tokio::net::TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for n in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            serve(n, stream).await;
        }
    });
    url
}

#[tokio::test]
async fn a_feed_that_breaks_is_connected_again_and_asked_for_what_was_missed() {
    let url = rude(|n, stream| async move {
        let mut query = String::new();
        #[expect(clippy::result_large_err, reason = "the handshake's own type")]
        let see = |request: &Request, response: Response| {
            query = request.uri().query().unwrap_or_default().to_owned();
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, see)
            .await
            .unwrap();
        socket
            .send(Message::text(format!("{n} {query}")))
            .await
            .unwrap();
        // Dropped without a close frame.
    })
    .await;
    let mut running = run(settings_for(&url));
    assert_eq!(running.next().await, "0 ");
    running.last_received.send_replace(Some("0197-id".into()));
    assert_eq!(running.next().await, "1 last_received=0197%2Did");
    until("it is down or live again", || {
        running.status.borrow().connects >= 2
    })
    .await;
}

#[tokio::test]
async fn close_codes_and_refusals_are_told_in_words() {
    let closing = rude(|_, stream| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let frame = CloseFrame {
            code: 1013.into(),
            reason: "deploying".into(),
        };
        let _ = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    assert_eq!(
        run(settings_for(&closing)).down().await,
        "the server closed the connection, it is overloaded (1013: deploying)"
    );

    let refusing = rude(|_, stream| async move {
        #[expect(clippy::result_large_err, reason = "the handshake's own type")]
        let refuse = |request: &Request, _: Response| {
            let token = request
                .headers()
                .get("authorization")
                .and_then(|v| v.to_str().ok());
            assert_eq!(token, Some("Bearer t0ken"));
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = 401.try_into().unwrap();
            Err(refusal)
        };
        let _ = tokio_tungstenite::accept_hdr_async(stream, refuse).await;
    })
    .await;
    let mut settings = settings_for(&refusing);
    settings.token = "t0ken".to_owned().into();
    assert!(
        run(settings)
            .down()
            .await
            .starts_with("the server answers 401 Unauthorized; check feed.token")
    );
    assert!(
        run(settings_for(&format!("ws://{}", nowhere())))
            .down()
            .await
            .starts_with("connection refused")
    );
    let nowhere = run(settings_for("ws://nowhere.invalid")).down().await;
    assert!(nowhere.starts_with("no such host"), "{nowhere}");
}

#[tokio::test]
async fn silence_is_noticed_by_pings_that_nobody_answers() {
    let url = rude(|_, stream| async move {
        // The handshake, and then nothing is read any more: no pong goes back.
        let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            drop(socket);
        });
    })
    .await;
    let mut settings = settings_for(&url);
    settings.ping_interval = Duration::from_millis(50);
    settings.ping_timeout = Duration::from_millis(100);
    assert!(
        run(settings)
            .down()
            .await
            .starts_with("received nothing for")
    );
}

#[tokio::test]
async fn silence_counts_from_the_last_byte_and_not_from_the_ping_after_it() {
    let pings = Arc::new(AtomicUsize::new(0));
    let counted = pings.clone();
    let url = rude(move |_, stream| {
        let counted = counted.clone();
        async move {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            // The first ping is answered a little later; those behind it are only counted.
            while let Some(Ok(message)) = socket.next().await {
                let ping = message.to_text().unwrap_or_default() == "ping";
                if ping && counted.fetch_add(1, Ordering::Relaxed) == 0 {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    socket.send(Message::text("pong")).await.unwrap();
                }
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    })
    .await;
    let mut settings = settings_for(&url);
    settings.ping_interval = Duration::from_millis(600);
    settings.ping_timeout = Duration::from_millis(300);
    "ping".clone_into(&mut settings.ping_text);
    "pong".clone_into(&mut settings.pong_text);
    assert!(
        run(settings)
            .down()
            .await
            .starts_with("received nothing for")
    );
    // Heard at 650 ms, pinged at 600 and 1,200 ms: at 1,800 ms it is over, not at 2,400 ms.
    assert_eq!(pings.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn initial_message_and_text_pings_are_sent_and_pongs_are_no_events() {
    let url = rude(|_, stream| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            let answer = match message.to_text().unwrap_or_default() {
                "subscribe" => r#"{"event_type":"a"}"#,
                "ping!" => "pong!",
                _ => continue,
            };
            let _ = socket.send(Message::text(answer)).await;
        }
    })
    .await;
    let mut settings = settings_for(&url);
    settings.initial_message = "subscribe".to_owned();
    settings.ping_text = "ping!".to_owned();
    settings.pong_text = "pong!".to_owned();
    settings.ping_interval = Duration::from_millis(20);
    let mut running = run(settings);
    assert_eq!(running.next().await, r#"{"event_type":"a"}"#);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(running.frames.is_empty(), "pongs are not handed over");
    assert_eq!(running.status.borrow().state, FeedState::Live);
}

#[tokio::test]
async fn a_pipeline_that_is_behind_holds_the_server_back() {
    let server = feed().await;
    let mut running = run(settings_for(&server.url()));
    let publishing = tokio::spawn({
        let server = server.clone();
        async move {
            let large = event("u", 1).replace(
                r#""number":1"#,
                &format!(r#""text":"{}""#, "x".repeat(200_000)),
            );
            for _ in 0..1_000 {
                server.publish(&large).await;
            }
        }
    });
    let status = running.status.clone();
    until("the feed waits", || {
        status.borrow().blocked_since_ms.is_some()
    })
    .await;
    assert!(
        !publishing.is_finished() || running.frames.batches() < 200,
        "200 MB are not taken into memory"
    );
    for _ in 0..1_000 {
        assert!(running.next().await.len() > 200_000);
    }
}

#[tokio::test]
async fn tls_trusts_the_ca_file_and_shows_the_client_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let authority = tls::Authority::new();
    let (client, client_key) = authority.issue("forwarder");
    for (file, pem) in [
        ("ca.pem", authority.pem()),
        ("client.pem", client.pem()),
        ("client.key", client_key.serialize_pem()),
    ] {
        std::fs::write(dir.path().join(file), pem).unwrap();
    }
    let server = tls::feed(authority.acceptor_for_clients("localhost")).await;
    let url = format!("wss://localhost:{}", server.port());
    let file = |name: &str| dir.path().join(name).display().to_string();
    let mut settings = settings_for(&url);
    assert!(
        run(settings.clone()).down().await.contains("certificate"),
        "an unknown CA is not trusted"
    );
    settings.ca_file = file("ca.pem");
    settings.client_cert_file = file("client.pem");
    settings.client_key_file = file("client.key");
    assert_eq!(run(settings).next().await, r#"{"event_type":"over tls"}"#);
}
