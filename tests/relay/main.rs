//! The relay, over real sockets: what Amplitude and its SDKs send comes out of the feed.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "../common/program.rs"]
mod program;

mod attacked;
mod broken;
mod damaged;
mod passed_on;
mod paths;
mod positions;
mod reading;
mod retained;
mod settings;

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use program::{Serving, get, sluicegate};
use secrecy::SecretString;
use serde_json::{Value, json};
use sluicegate::feed::server;
use sluicegate::relay::passing::Passing;
use sluicegate::relay::{Options, Relay, SECRET_HEADER};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn relay(options: Options) -> Relay {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    Relay::start(listener, options, None).unwrap()
}

fn open() -> Options {
    Options {
        feed: server::Options {
            wait_for_client: false,
            wait_for_slow: false,
            ..server::Options::default()
        },
        ..Options::default()
    }
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn subscribed(relay: &Relay, query: &str) -> Client {
    let (client, _) = connect_async(format!("{}{query}", relay.feed_url()))
        .await
        .unwrap();
    client
}

async fn next(client: &mut Client) -> Value {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(10), client.next()).await;
        if let Message::Text(text) = message.unwrap().unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_webhooks_from_fifty_connections_reach_every_client_in_one_order() {
    const SENDERS: usize = 50;
    const EACH: usize = 200;
    let relay = relay(open()).await;
    let mut clients = [subscribed(&relay, "").await, subscribed(&relay, "").await];
    let url = format!("{}/webhook", relay.url());
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let url = url.clone();
            tokio::spawn(async move {
                let http = http();
                for n in 0..EACH {
                    let body = format!(r#"{{"event_type":"A","user_id":"{sender}-{n}","time":1}}"#);
                    let answer = http.post(&url).body(body).send().await.unwrap();
                    assert_eq!(answer.status(), 200);
                }
            })
        })
        .collect();
    let mut orders = Vec::new();
    for client in &mut clients {
        let (mut order, mut ids) = (Vec::new(), Vec::new());
        while order.len() < SENDERS * EACH {
            let event = next(client).await;
            order.push(event["user_id"].as_str().unwrap().to_owned());
            ids.push(event["message_id"].as_str().unwrap().to_owned());
        }
        assert!(ids.is_sorted(), "the ids of messages sort by time");
        orders.push(order);
    }
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(orders[0], orders[1]);
    let different: HashSet<&String> = orders[0].iter().collect();
    assert_eq!(different.len(), SENDERS * EACH);
    assert_eq!(relay.counts().received, (SENDERS * EACH) as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn sdks_are_answered_as_by_amplitude_and_their_events_come_out_as_they_went_in() {
    let relay = relay(open()).await;
    let mut client = subscribed(&relay, "").await;
    let http = http();
    let event = json!({
        "event_type": "Purchase", "user_id": "u-1", "time": 1, "event_properties": {"total": 1.5},
        "$insert_id": "x", "ip": "$remote"
    });
    let body = json!({ "api_key": "k", "events": [event, {"device_id": "d", "event_type": "B"}] });
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(body.to_string().as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    for path in ["/2/httpapi", "/batch"] {
        for is_packed in [false, true] {
            let request = http.post(format!("{}{path}", relay.url()));
            let request = if is_packed {
                request
                    .header("Content-Encoding", "gzip")
                    .body(packed.clone())
            } else {
                request.body(body.to_string())
            };
            let answer = request.send().await.unwrap();
            // A browser may read it, too.
            assert_eq!(answer.headers()["access-control-allow-origin"], "*");
            let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            assert_eq!(
                (&answer["code"], &answer["events_ingested"]),
                (&json!(200), &json!(2))
            );
            assert!(answer["server_upload_time"].as_i64().unwrap() > 1_700_000_000_000);
            let mut first = next(&mut client).await;
            first.as_object_mut().unwrap().remove("message_id").unwrap();
            assert_eq!(first, event);
            let second = next(&mut client).await;
            assert!(
                second["time"].is_i64() && second["device_id"] == "d",
                "{second}"
            );
        }
    }
    let relay = self::relay(Options {
        secret: Some(SecretString::from("swordfish")),
        ..open()
    })
    .await;
    let options = http
        .request(
            reqwest::Method::OPTIONS,
            format!("{}/2/httpapi", relay.url()),
        )
        .header("Origin", "https://shop.example")
        .header("Access-Control-Request-Method", "POST")
        .send()
        .await
        .unwrap();
    assert_eq!(options.status(), 204);
    assert!(
        options.headers()["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .contains("content-type")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_in_words_and_nothing_of_it_is_published() {
    let relay = relay(open()).await;
    let mut client = subscribed(&relay, "").await;
    let http = http();
    let post = |path: &str, body: Vec<u8>| {
        let request = http.post(format!("{}{path}", relay.url())).body(body);
        async move {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            (status, body)
        }
    };
    let (status, body) = post("/webhook", b"{\"event_type\"".to_vec()).await;
    assert_eq!(status, 400);
    assert!(
        body["error"]
            .as_str()
            .unwrap()
            .starts_with("Invalid JSON request body")
    );
    let (status, body) = post("/2/httpapi", br#"{"events":[]}"#.to_vec()).await;
    assert_eq!((status, &body["missing_field"]), (400, &json!("api_key")));
    for (path, bytes) in [
        ("/webhook", 2 << 20),
        ("/2/httpapi", 2 << 20),
        ("/batch", 21 << 20),
    ] {
        let (status, body) = post(path, vec![b' '; bytes]).await;
        assert_eq!((status, &body["code"]), (413, &json!(413)), "{path}");
    }
    // One that is cut off in the middle is heard of by nobody.
    let place = relay.url().replace("http://", "");
    let mut cut = TcpStream::connect(&place).await.unwrap();
    let request =
        "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"event_type\":\"A\",";
    cut.write_all(request.as_bytes()).await.unwrap();
    drop(cut);
    let (status, _) = post(
        "/webhook",
        br#"{"event_type":"last","user_id":"u"}"#.to_vec(),
    )
    .await;
    assert_eq!(status, 200);
    assert_eq!(next(&mut client).await["event_type"], "last");
    assert_eq!(relay.counts().received, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_neither_secret_nor_token_sends_and_reads_nothing() {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_away_resumes_and_one_that_is_too_slow_is_cut_without_hurting_others() {
    let mut options = open();
    options.feed.ring_bytes = 1 << 20;
    options.feed.patience = Duration::from_millis(500);
    let relay = relay(options).await;
    let http = http();
    let send = |n: u64, filler: usize| {
        let body = json!({"event_type": "A", "user_id": "u", "time": n, "x": "y".repeat(filler)});
        let request = http
            .post(format!("{}/webhook", relay.url()))
            .body(body.to_string());
        async move { assert_eq!(request.send().await.unwrap().status(), 200) }
    };
    let mut quick = subscribed(&relay, "").await;
    // It reads nothing, and its window fills.
    let mut slow = subscribed(&relay, "").await;
    send(0, 1).await;
    let first = next(&mut quick).await["message_id"]
        .as_str()
        .unwrap()
        .to_owned();
    drop(quick);
    for n in 1..=5 {
        send(n, 1).await;
    }
    // Behind the last that it received, nothing is left out.
    let mut back = subscribed(&relay, &format!("?last_received={first}")).await;
    for n in 1..=5 {
        assert_eq!(next(&mut back).await["time"], n);
    }
    for n in 6..=100 {
        send(n, 400_000).await;
        assert_eq!(
            next(&mut back).await["time"],
            n,
            "the quick one is never held up"
        );
    }
    let told = async {
        let mut last = None;
        while let Some(Ok(message)) = slow.next().await {
            if let Message::Close(Some(frame)) = message {
                last = Some(frame.code);
            }
        }
        last
    };
    // It was told, or, where its line took nothing any more, only cut.
    let code = tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .unwrap();
    assert!(code.is_none_or(|code| code == CloseCode::Again), "{code:?}");
    while relay.counts().clients > 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_from_the_relay_through_the_forwarder_to_customerio() {
    let sandbox = program::sandbox(&[]);
    let relay = Serving::start(sluicegate().args(["relay", "--listen", "127.0.0.1:0"]));
    let feed = format!("{}/feed", relay.url.replace("http://", "ws://"));
    let mut forwarder = program::run_on(&feed, &sandbox.url)
        .args(["--exit-when-idle", "2s"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let http = http();
    let now = sluicegate::amplitude::time::now();
    let mut users: HashMap<String, u32> = HashMap::new();
    for n in 0..200_u32 {
        let user = format!("u-{}", n % 7);
        let event = json!({"event_type": "Signup", "user_id": user, "insert_id": n.to_string(), "time": now});
        *users.entry(user).or_default() += 1;
        let (path, body) = if n % 2 == 0 {
            ("/webhook", event)
        } else {
            ("/2/httpapi", json!({"api_key": "k", "events": [event]}))
        };
        let answer = http
            .post(format!("{}{path}", relay.url))
            .body(body.to_string())
            .send()
            .await;
        assert_eq!(answer.unwrap().status(), 200);
    }
    let ended = tokio::task::spawn_blocking(move || forwarder.wait().unwrap())
        .await
        .unwrap();
    assert!(ended.success());
    let counts = get(&format!("{}/sandbox/counts", sandbox.url));
    assert_eq!(
        (&counts["events"], &counts["people"]),
        (&json!(200), &json!(7))
    );
    let health = get(&format!("{}/healthz", relay.url));
    assert_eq!(health["received"], 200);
}

#[test]
fn a_relay_that_others_can_reach_asks_for_its_secrets() {
    let output = sluicegate()
        .args(["relay", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(says.contains("SLUICEGATE_RELAY_SECRET"), "{says}");
}

#[tokio::test]
async fn a_connection_that_says_nothing_holds_nobody_up() {
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_passed_on_reaches_amplitude_as_it_came_and_its_answer_comes_back() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    let answer = move |request: axum::extract::Request| async move {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let encoding = parts.headers.get("content-encoding").cloned();
        let mut heard = told.lock().unwrap();
        heard.push((parts.uri.path().to_owned(), encoding, body));
        // The second is too much for it.
        let status = if heard.len() == 2 { 429 } else { 200 };
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        let said = json!({ "code": status.as_u16(), "answer": heard.len() });
        // Closed, so that no connection outlives the server.
        (status, [("Connection", "close")], said.to_string())
    };
    let app = axum::Router::new().fallback(axum::routing::any(answer));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let amplitude = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let relay = relay(Options {
        pass_to: Some(Passing::to(&amplitude).unwrap()),
        ..open()
    })
    .await;
    let mut client = subscribed(&relay, "").await;
    let http = http();
    let body = |n: u64| {
        let event = json!({"event_type": "A", "user_id": "u", "time": n});
        json!({ "api_key": "k", "events": [event] }).to_string()
    };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(body(1).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let post = |path: &str, body: Vec<u8>, encoding: &str| {
        let request = http.post(format!("{}{path}", relay.url())).body(body);
        let request = request.header("Content-Encoding", encoding);
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        }
    };
    let first = post("/2/httpapi", packed.clone(), "gzip").await;
    let said =
        |code: u16, answer: u16| (code, json!({ "code": code, "answer": answer }).to_string());
    assert_eq!(first, said(200, 1));
    // What Amplitude doesn't take is not in the feed: it is sent again.
    let second = post("/batch", body(2).into_bytes(), "identity").await;
    assert_eq!(second, said(429, 2));
    // What is no request is not worth its time.
    let (status, _) = post("/2/httpapi", b"{}".to_vec(), "identity").await;
    assert_eq!(status, 400);
    let again = post("/batch", body(2).into_bytes(), "identity").await;
    assert_eq!(again, said(200, 3));
    for n in 1..=2 {
        assert_eq!(next(&mut client).await["time"], n);
    }
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 3);
    assert_eq!(
        (heard[0].0.as_str(), &heard[0].2[..]),
        ("/2/httpapi", &packed[..])
    );
    assert_eq!(heard[0].1.as_ref().unwrap(), "gzip");
    assert_eq!(heard[2].0, "/batch");
    // Where Amplitude is gone the SDK is told to come back.
    serving.abort();
    let _ = serving.await;
    let (status, says) = post("/2/httpapi", body(3).into_bytes(), "identity").await;
    assert_eq!(status, 503, "{says}");
    assert_eq!(relay.counts().received, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_server_answers_in_amplitudes_place_is_no_success_and_is_sent_again() {
    let (answers, next_answer) = std::sync::mpsc::channel::<(u16, &str, &str)>();
    let next_answer = Arc::new(Mutex::new(next_answer));
    let answer = move || {
        let (status, kind, body) = next_answer.lock().unwrap().recv().unwrap();
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        std::future::ready((status, [("content-type", kind.to_owned())], body.to_owned()))
    };
    let app = axum::Router::new().fallback(axum::routing::any(answer));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let amplitude = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let relay = relay(Options {
        pass_to: Some(Passing::to(&amplitude).unwrap()),
        ..open()
    })
    .await;
    let http = http();
    let body = json!({ "api_key": "k", "events": [{ "event_type": "A", "user_id": "u" }] });
    let strangers = [
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
    let count = strangers.len() as u64;
    for (status, kind, said, told) in strangers {
        answers.send((status, kind, said)).unwrap();
        let request = http.post(format!("{}/2/httpapi", relay.url()));
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert_eq!(
            answer.status(),
            503,
            "{status} {said}: an SDK sends that again"
        );
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(answer["code"], 503);
        let error = answer["error"].as_str().unwrap();
        assert!(error.starts_with(told), "{error}");
    }
    let counts = relay.counts();
    assert_eq!((counts.received, counts.refused), (0, count));
    answers
        .send((
            200,
            "application/json",
            r#"{"code":200,"events_ingested":1}"#,
        ))
        .unwrap();
    let request = http.post(format!("{}/2/httpapi", relay.url()));
    let answer = request.body(body.to_string()).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), relay.counts().received),
        (200, 1)
    );
}
