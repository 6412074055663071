//! What a server sends or answers every time that it is asked for the same place.

use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use sluicegate::amplitude::Malformed;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::{Running, rude, run, run_behind, settings_for};

/// The id of a message that was received before.
const ID: &str = "last_received=m1";

/// One frame, as it is.
fn raw(data: Data, is_last: bool, payload: impl Into<Vec<u8>>) -> Message {
    let payload: Vec<u8> = payload.into();
    Message::Frame(Frame::message(payload, OpCode::Data(data), is_last))
}

impl Running {
    async fn malformed(&mut self) -> Malformed {
        let frame = self.frames.recv().await.unwrap();
        frame.text.unwrap_err()
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_or_no_text_costs_itself_and_not_the_connection() {
    let url = rude(|_, stream| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let no_text = b"{\"a\":\"\xff\"}".to_vec();
        for message in [
            raw(Data::Binary, true, no_text.clone()),
            raw(Data::Text, true, no_text),
            Message::text("x".repeat(3_000)),
            // In two fragments, of which the second goes over the limit, with a ping between them.
            raw(Data::Text, false, vec![b'y'; 1_500]),
            Message::Ping(vec![1; 125].into()),
            raw(Data::Continue, true, vec![b'z'; 501]),
            Message::text("x".repeat(2_000)),
            Message::text("behind"),
        ] {
            socket.send(message).await.unwrap();
        }
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let mut settings = settings_for(&url);
    settings.max_frame_bytes = 2_000;
    let mut running = run(settings);
    for _ in 0..2 {
        assert_eq!(running.malformed().await.at_byte, 6);
    }
    let large = running.malformed().await;
    assert_eq!(
        large.why,
        "a message of 3,000 bytes is over feed.max_frame_bytes = 2,000, and was skipped"
    );
    assert_eq!(large.near, "x".repeat(200));
    let fragments = running.malformed().await;
    assert_eq!((fragments.size_bytes, fragments.parts), (2_001, 1));
    assert_eq!(running.next().await, "x".repeat(2_000));
    assert_eq!(running.next().await, "behind");
    assert_eq!(running.status.borrow().connects, 1);
}

/// How a server fails when it is asked for [`ID`].
#[derive(Debug, Clone, Copy)]
enum Poison {
    /// It answers with this status instead of a WebSocket.
    Status(u16),
    /// It answers its first connections with this status, whatever they ask for.
    Down(u16, usize),
    /// It closes with this code.
    Close(u16),
    /// It sends a frame of an opcode that doesn't exist.
    Protocol,
    /// It ends the connection.
    End,
}

/// A server that fails so, and otherwise sends what it was asked for; and what it was asked for.
async fn poisoned(poison: Poison) -> (String, Arc<Mutex<Vec<String>>>) {
    let queries = Arc::new(Mutex::new(Vec::new()));
    let asked = queries.clone();
    let url = rude(move |n, stream| {
        let asked = asked.clone();
        async move {
            let mut query = String::new();
            #[expect(clippy::result_large_err, reason = "the handshake's own type")]
            let see = |request: &Request, response: Response| {
                query = request.uri().query().unwrap_or_default().to_owned();
                let status = match poison {
                    Poison::Status(status) if query == ID => status,
                    Poison::Down(status, connections) if n < connections => status,
                    _ => return Ok(response),
                };
                let mut refusal = ErrorResponse::new(None);
                *refusal.status_mut() = status.try_into().unwrap();
                Err(refusal)
            };
            let opened = tokio_tungstenite::accept_hdr_async(stream, see).await;
            asked.lock().unwrap().push(query.clone());
            let Ok(mut socket) = opened else { return };
            let _ = match poison {
                Poison::Close(code) if query == ID => {
                    let frame = CloseFrame {
                        code: code.into(),
                        reason: "no such message".into(),
                    };
                    socket.close(Some(frame)).await
                }
                Poison::Protocol if query == ID => {
                    socket.send(raw(Data::Reserved(3), true, "x")).await
                }
                Poison::End if query == ID => return,
                _ => socket.send(Message::text(format!("asked {query}"))).await,
            };
            while let Some(Ok(_)) = socket.next().await {}
        }
    })
    .await;
    (url, queries)
}

#[tokio::test]
async fn an_id_that_the_server_cannot_be_asked_for_is_given_up_and_the_feed_goes_on() {
    for poison in [
        Poison::Status(400),
        Poison::Status(414),
        Poison::Status(500),
        Poison::Close(1011),
        Poison::Close(4_404),
        Poison::Protocol,
    ] {
        let (url, queries) = poisoned(poison).await;
        let mut running = run_behind(Some("m1"), settings_for(&url));
        assert_eq!(running.next().await, "asked ", "{poison:?}");
        assert_eq!(running.status.borrow().given_up, 1, "{poison:?}");
        assert_eq!(*queries.lock().unwrap(), [ID, ID, "", ID, ""], "{poison:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_down_for_a_while_or_ends_connections_is_asked_for_the_id_again() {
    for connections in 1..=5 {
        let (url, _) = poisoned(Poison::Down(404, connections)).await;
        let mut running = run_behind(Some("m1"), settings_for(&url));
        assert_eq!(running.next().await, format!("asked {ID}"), "{connections}");
        assert_eq!(running.status.borrow().given_up, 0, "{connections}");
    }
    for poison in [
        Poison::Status(401),
        Poison::Status(503),
        Poison::Close(1012),
        Poison::End,
    ] {
        let (url, queries) = poisoned(poison).await;
        let running = run_behind(Some("m1"), settings_for(&url));
        super::until("it was asked often", || queries.lock().unwrap().len() >= 8).await;
        assert!(
            queries.lock().unwrap().iter().all(|query| query == ID),
            "{poison:?}"
        );
        assert_eq!(running.status.borrow().given_up, 0, "{poison:?}");
    }
}

#[tokio::test]
async fn what_is_no_id_is_not_asked_for() {
    for id in ["", "a\u{1b}[2J", "a\u{202e}b", &"x".repeat(257)] {
        let (url, queries) = poisoned(Poison::End).await;
        let mut running = run_behind(Some(id), settings_for(&url));
        assert_eq!(running.next().await, "asked ", "{id:?}");
        assert_eq!(*queries.lock().unwrap(), [""]);
    }
}
