//! SDK requests that are also forwarded to Amplitude.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use sluicegate::relay::pass_through::PassThrough;
use sluicegate::relay::{Options, Relay};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{http, next, open, relay, subscribed};

/// A request that Amplitude received: its path, encoding and body.
type Received = (String, Option<HeaderValue>, Bytes);

/// Serves in place of Amplitude. Returns the URL.
async fn serve(app: axum::Router) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, serving)
}

/// A relay that forwards to this server.
async fn forwarding_relay(amplitude: &str) -> Relay {
    relay(Options {
        pass_to: Some(PassThrough::to(amplitude).unwrap()),
        ..open()
    })
    .await
}

/// An Amplitude that records its requests, and answers 429 to the second.
async fn recording_amplitude() -> (Arc<Mutex<Vec<Received>>>, String, JoinHandle<()>) {
    let received = Arc::new(Mutex::new(Vec::new()));
    let requests = received.clone();
    let answer = move |request: axum::extract::Request| async move {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let encoding = parts.headers.get("content-encoding").cloned();
        let mut requests = requests.lock().unwrap();
        requests.push((parts.uri.path().to_owned(), encoding, body));
        let status = if requests.len() == 2 { 429 } else { 200 };
        let status = StatusCode::from_u16(status).unwrap();
        let answer = json!({ "code": status.as_u16(), "answer": requests.len() });
        // Closed, so that no connection outlives the server.
        (status, [("Connection", "close")], answer.to_string())
    };
    let app = axum::Router::new().fallback(axum::routing::any(answer));
    let (url, serving) = serve(app).await;
    (received, url, serving)
}

async fn post(relay: &Relay, path: &str, body: Vec<u8>, encoding: &str) -> (u16, String) {
    let request = http().post(format!("{}{path}", relay.url())).body(body);
    let request = request.header("Content-Encoding", encoding);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_reach_amplitude_unchanged_and_its_answers_come_back() {
    let (received, amplitude, serving) = recording_amplitude().await;
    let relay = forwarding_relay(&amplitude).await;
    let mut client = subscribed(&relay, "").await;
    let body = |n: u64| {
        let event = json!({"event_type": "A", "user_id": "u", "time": n});
        json!({ "api_key": "k", "events": [event] }).to_string()
    };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(body(1).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let answer =
        |code: u16, answer: u16| (code, json!({ "code": code, "answer": answer }).to_string());
    let first = post(&relay, "/2/httpapi", packed.clone(), "gzip").await;
    assert_eq!(first, answer(200, 1));
    // Events that Amplitude refuses are not published: the SDK sends them again.
    let second = post(&relay, "/batch", body(2).into_bytes(), "identity").await;
    assert_eq!(second, answer(429, 2));
    // An invalid request is not forwarded.
    let (status, _) = post(&relay, "/2/httpapi", b"{}".to_vec(), "identity").await;
    assert_eq!(status, 400);
    let again = post(&relay, "/batch", body(2).into_bytes(), "identity").await;
    assert_eq!(again, answer(200, 3));
    for n in 1..=2 {
        assert_eq!(next(&mut client).await["time"], n);
    }
    let received = received.lock().unwrap().clone();
    assert_eq!(received.len(), 3);
    assert_eq!(
        (received[0].0.as_str(), &received[0].2[..]),
        ("/2/httpapi", &packed[..])
    );
    assert_eq!(received[0].1.as_ref().unwrap(), "gzip");
    assert_eq!(received[2].0, "/batch");
    // Without Amplitude, the SDK is told to retry.
    serving.abort();
    let _ = serving.await;
    let (status, error) = post(&relay, "/2/httpapi", body(3).into_bytes(), "identity").await;
    assert_eq!(status, 503, "{error}");
    assert_eq!(relay.counts().received, 2);
}

/// Answers that are not Amplitude's: status, content type, body, and the beginning of the error.
const OTHER_ANSWERS: [(u16, &str, &str, &str); 8] = [
    (
        200,
        "text/html",
        "<html><title>Sign in</title></html>",
        "another server answers: <html>",
    ),
    (
        200,
        "application/json",
        "{}",
        "another server answers: {} (200)",
    ),
    (204, "text/plain", "", "another server answers"),
    (302, "text/html", "", "another server answers"),
    (
        403,
        "text/html",
        "<html>denied</html>",
        "a proxy refuses: <html>denied</html> (403)",
    ),
    (407, "text/plain", "", "a proxy refuses"),
    (
        400,
        "text/html",
        "<html>",
        "another server answers: <html> (400)",
    ),
    (
        502,
        "text/html",
        "<html>",
        "Amplitude can't be reached: <html> (502)",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_amplitudes_is_no_success_and_is_retried() {
    let (answers, next_answer) = std::sync::mpsc::channel::<(u16, &str, &str)>();
    let next_answer = Arc::new(Mutex::new(next_answer));
    let answer = move || {
        let (status, kind, body) = next_answer.lock().unwrap().recv().unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        std::future::ready((status, [("content-type", kind.to_owned())], body.to_owned()))
    };
    let app = axum::Router::new().fallback(axum::routing::any(answer));
    let (amplitude, _serving) = serve(app).await;
    let relay = forwarding_relay(&amplitude).await;
    let body = json!({ "api_key": "k", "events": [{ "event_type": "A", "user_id": "u" }] });
    let body = body.to_string().into_bytes();
    for (status, kind, answer, expected) in OTHER_ANSWERS {
        answers.send((status, kind, answer)).unwrap();
        let (given, refusal) = post(&relay, "/2/httpapi", body.clone(), "identity").await;
        assert_eq!(given, 503, "{status} {answer}: an SDK retries that");
        let refusal: Value = serde_json::from_str(&refusal).unwrap();
        assert_eq!(refusal["code"], 503);
        let error = refusal["error"].as_str().unwrap();
        assert!(error.starts_with(expected), "{error}");
    }
    let counts = relay.counts();
    let refused = OTHER_ANSWERS.len() as u64;
    assert_eq!((counts.received, counts.refused), (0, refused));
    let success = r#"{"code":200,"events_ingested":1}"#;
    answers.send((200, "application/json", success)).unwrap();
    let (status, _) = post(&relay, "/2/httpapi", body, "identity").await;
    assert_eq!((status, relay.counts().received), (200, 1));
}
