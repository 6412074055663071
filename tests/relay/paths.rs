//! Requests to paths that a relay doesn't have, and with methods that its paths don't take: nobody
//! sends into the void without a word.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use sluicegate::relay::Endpoint;
use sluicegate::relay::pass_through::PassThrough;
use sluicegate::relay::{Options, Relay};
use tokio_tungstenite::connect_async;

use crate::program::{Serving, get, sluicegate};
use crate::{http, next, open, relay, subscribed};

fn envelope() -> String {
    json!({"api_key": "k", "events": [{"event_type": "A", "user_id": "u-1"}]}).to_string()
}

/// The status, the headers and the JSON of an answer.
async fn asked(
    relay: &Relay,
    method: Method,
    path: &str,
    body: String,
) -> (u16, reqwest::header::HeaderMap, Value) {
    let request = http().request(method, format!("{}{path}", relay.url()));
    let answer = request.body(body).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    (
        status,
        headers,
        serde_json::from_slice(&body).unwrap_or_default(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_there_is_not_is_counted_told_and_answered_with_the_one_to_use() {
    let relay = relay(open()).await;
    let cases = [
        ("/", envelope(), "/2/httpapi"),
        ("/httpapi", envelope(), "/2/httpapi"),
        (
            "/identify",
            "identification=%5B%5D".to_owned(),
            "/2/httpapi",
        ),
        ("/webhooks", String::new(), "/webhook"),
        ("/s/anything/httpapi", envelope(), "/s/SECRET/2/httpapi"),
    ];
    for (index, (path, body, used)) in cases.into_iter().enumerate() {
        let (status, headers, says) = asked(&relay, Method::POST, path, body).await;
        assert_eq!(
            (status, &says["code"]),
            (404, &json!(404)),
            "{path}: {says}"
        );
        assert_eq!(says["use"], used, "{path}: {says}");
        assert!(says["error"].as_str().unwrap().contains(used), "{says}");
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(relay.counts().refused, index as u64 + 1);
    }
    let (status, _, _) = asked(&relay, Method::GET, "/favicon.ico", String::new()).await;
    assert_eq!(status, 404);
    let sources = relay.status().sources;
    assert_eq!(sources.len(), 1, "{sources:?}");
    assert_eq!(
        (sources[0].endpoint, sources[0].refused),
        (Endpoint::Unknown, 6)
    );
    let (status, why) = sources[0].last_refusal.as_ref().unwrap();
    assert_eq!(*status, 404);
    assert!(
        why.starts_with("GET /favicon.ico: There is no such path"),
        "{why}"
    );
    let health = get(&format!("{}/healthz", relay.url()));
    assert_eq!(
        (&health["refused"], &health["received"]),
        (&json!(6), &json!(0))
    );
    // A large body is heard out, and looked at no further than its beginning.
    let large = envelope() + &" ".repeat(3 << 20);
    let (status, _, says) = asked(&relay, Method::POST, "/", large).await;
    assert_eq!((status, &says["use"]), (404, &json!("/2/httpapi")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_may_ask_first_wherever_it_sends_and_then_reads_the_answer() {
    let relay = relay(Options {
        secret: Some(SecretString::from("swordfish")),
        ..open()
    })
    .await;
    let request = http().request(Method::OPTIONS, format!("{}/httpapi", relay.url()));
    let answer = request
        .header("Origin", "https://shop.example")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 204);
    let headers = answer.headers();
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert!(
        headers["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .contains("content-type")
    );
    assert_eq!(relay.counts().refused, 0, "what comes then is counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slash_behind_a_path_means_nothing() {
    let relay = relay(Options {
        secret: Some(SecretString::from("swordfish")),
        ..open()
    })
    .await;
    let mut client = subscribed(&relay, "?last_received=").await;
    let event = r#"{"event_type":"A","user_id":"u-1"}"#.to_owned();
    for (path, body) in [
        ("/s/swordfish/webhook/", event),
        ("/s/swordfish/2/httpapi/", envelope()),
        ("/s/swordfish/batch/", envelope()),
    ] {
        let (status, _, says) = asked(&relay, Method::POST, path, body).await;
        assert_eq!(status, 200, "{path}: {says}");
        assert_eq!(next(&mut client).await["event_type"], "A");
    }
    for path in ["/webhook/", "/2/httpapi/", "/s/wrong/batch/"] {
        let (status, _, _) = asked(&relay, Method::POST, path, envelope()).await;
        assert_eq!(status, 401, "{path}");
    }
    let feed = relay.feed_url() + "/";
    assert!(connect_async(feed).await.is_ok());
    let health = get(&format!("{}/healthz/", relay.url()));
    assert_eq!(
        (&health["received"], &health["refused"]),
        (&json!(3), &json!(3))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_path_does_not_take_is_counted_and_told_with_those_that_it_takes() {
    let relay = relay(open()).await;
    for (method, path, allow, entrance) in [
        (Method::GET, "/webhook", "POST", Endpoint::Webhook),
        (Method::PUT, "/2/httpapi", "POST", Endpoint::HttpApi),
        (Method::GET, "/s/x/batch/", "POST", Endpoint::Batch),
        (Method::POST, "/feed", "GET", Endpoint::Feed),
        (Method::POST, "/healthz", "GET", Endpoint::Unknown),
    ] {
        let before = relay.counts().refused;
        let (status, headers, says) = asked(&relay, method.clone(), path, envelope()).await;
        assert_eq!(status, 405, "{method} {path}");
        let allowed = headers["allow"].to_str().unwrap();
        assert!(
            allowed.split(',').any(|one| one.trim() == allow),
            "{path}: {allowed}"
        );
        assert!(says["error"].as_str().unwrap().contains(allow), "{says}");
        assert_eq!(relay.counts().refused, before + 1);
        let sources = relay.status().sources;
        let source = sources.iter().find(|source| source.endpoint == entrance);
        let (_, why) = source.unwrap().last_refusal.as_ref().unwrap();
        assert!(why.starts_with(&method.to_string()), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_path_tells_nothing_of_the_secret() {
    let relay = relay(Options {
        secret: Some(SecretString::from("swordfish")),
        token: Some(SecretString::from("reader")),
        ..open()
    })
    .await;
    let mut answers = Vec::new();
    for path in [
        "/s/swordfish/httpapi",
        "/s/sword/httpapi",
        "/s/zzzzzzzzz/httpapi",
    ] {
        let (status, headers, says) = asked(&relay, Method::POST, path, envelope()).await;
        let mut names: Vec<String> = headers.keys().map(ToString::to_string).collect();
        names.sort();
        answers.push((status, names, headers["content-length"].clone(), says));
        let (status, _, _) =
            asked(&relay, Method::GET, "/s/swordfish/webhook", String::new()).await;
        assert_eq!(status, 405, "as for a wrong one");
    }
    assert!(
        answers.windows(2).all(|two| two[0] == two[1]),
        "{answers:?}"
    );
    let (_, _, says) = asked(&relay, Method::POST, "/swordfish/webhok", envelope()).await;
    let told = format!("{says} {:?}", relay.status().sources);
    assert!(!told.contains("swordfish"), "{told}");
    // A reader without the token is told of, too.
    assert!(connect_async(relay.feed_url()).await.is_err());
    let sources = relay.status().sources;
    let reader = sources
        .iter()
        .find(|source| source.endpoint == Endpoint::Feed);
    assert_eq!(reader.unwrap().last_refusal.as_ref().unwrap().0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_passed_on_needs_a_path_that_there_is() {
    let passing = PassThrough::to("http://127.0.0.1:1").unwrap();
    let relay = relay(Options {
        pass_to: Some(passing),
        ..open()
    })
    .await;
    let (status, _, says) = asked(&relay, Method::POST, "/httpapi", envelope()).await;
    assert_eq!((status, &says["use"]), (404, &json!("/2/httpapi")));
    assert_eq!(relay.counts().refused, 1);
}

/// A connection on which one request follows the other.
struct KeptAlive {
    socket: BufReader<std::net::TcpStream>,
    address: String,
}

impl KeptAlive {
    fn to(relay: &Serving) -> Self {
        let address = relay.url.replace("http://", "");
        let socket = BufReader::new(std::net::TcpStream::connect(&address).unwrap());
        Self { socket, address }
    }

    /// Posts `body` with the secret, as a proxy on this machine does for `from`. Returns the
    /// status line.
    fn post(&mut self, path: &str, from: &str, body: &str) -> String {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: {from}\r\nX-Relay-Secret: swordfish\r\nUser-Agent: a{body}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        std::io::Write::write_all(self.socket.get_mut(), request.as_bytes()).unwrap();
        let (mut line, mut status, mut length) = (String::new(), String::new(), 0);
        while self.socket.read_line(&mut line).unwrap() > 2 {
            let lower = line.to_ascii_lowercase();
            if let Some(bytes) = lower.strip_prefix("content-length:") {
                length = bytes.trim().parse().unwrap();
            }
            if status.is_empty() {
                line.clone_into(&mut status);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        std::io::Read::read_exact(&mut self.socket, &mut body).unwrap();
        status
    }
}

/// The lines of a log about an address, and the lines that were suppressed.
fn logged_and_suppressed(log: &str, address: &str) -> (u64, u64) {
    let (mut lines, mut suppressed) = (0, 0);
    for line in log.lines().filter(|line| line.contains(address)) {
        match line.split(" more lines on").next() {
            Some(before) if before.len() < line.len() => {
                let count = before.rsplit(' ').next().unwrap().replace(',', "");
                suppressed += count.parse::<u64>().unwrap();
            }
            _ => lines += 1,
        }
    }
    (lines, suppressed)
}

#[test]
fn a_flood_of_wrong_paths_and_bodies_is_a_few_lines_and_an_exact_count() {
    const EACH: u64 = 2_500;
    let mut command = sluicegate();
    command.args(["relay", "--headless", "--listen", "127.0.0.1:0"]);
    command
        .env("SLUICEGATE_RELAY_SECRET", "swordfish")
        .stderr(Stdio::piped());
    let mut relay = Serving::start(&mut command);
    let mut stderr = relay.stderr();
    let log = std::thread::spawn(move || std::io::read_to_string(&mut stderr).unwrap());
    let mut connection = KeptAlive::to(&relay);
    for n in 0..EACH {
        let path = format!("/s/swordfish/x-{n}");
        let status = connection.post(&path, "10.0.0.7", &n.to_string());
        assert!(status.contains("404"), "{status}");
        let status = connection.post("/webhook", "10.0.0.7", &format!("broken {n}"));
        assert!(status.contains("400"), "{status}");
        if n == EACH / 2 {
            let status = connection.post("/httpapi", "10.0.0.8", "");
            assert!(status.contains("404"), "{status}");
        }
    }
    let health = get(&format!("{}/healthz", relay.url));
    assert_eq!(health["refused"], 2 * EACH + 1);
    assert_eq!(relay.end().0, Some(0));
    let log = log.join().unwrap();
    let (lines, suppressed) = logged_and_suppressed(&log, "10.0.0.7");
    assert_eq!(lines + suppressed, 2 * EACH, "{log}");
    assert!((10..=40).contains(&lines), "{log}");
    let shown = "POST /httpapi: There is no such path here: use /2/httpapi";
    let of_the_other = |line: &&str| line.contains("10.0.0.8") && line.contains(shown);
    assert_eq!(log.lines().filter(of_the_other).count(), 1, "{log}");
    assert!(!log.contains("swordfish"), "{log}");
}
