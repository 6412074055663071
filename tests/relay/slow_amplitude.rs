//! Servers in Amplitude's place that answer endlessly or too slowly: the relay's memory stays bounded,
//! and senders are told to retry.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;
use crate::program::{Serving, get, sluicegate};

const GB: u64 = 1_000_000_000;
const CHUNK: usize = 64 << 10;

/// A server that answers each request on a connection of its own; the bytes that it could send.
fn upstream(answer: fn(&mut TcpStream, &AtomicU64)) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (mut socket, sent) = (socket.unwrap(), counted.clone());
            std::thread::spawn(move || {
                let mut request = [0; 4_096];
                let _ = socket.read(&mut request);
                answer(&mut socket, &sent);
            });
        }
    });
    (url, sent)
}

fn head(socket: &mut TcpStream, status: &str, headers: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n{headers}\r\n"
    );
    let _ = socket.write_all(head.as_bytes());
}

/// An answer like Amplitude's, and a gigabyte of spaces behind it.
fn endless(socket: &mut TcpStream, sent: &AtomicU64) {
    head(socket, "200 OK", "Transfer-Encoding: chunked\r\n");
    let _ = socket.write_all(b"c\r\n{\"code\":200}\r\n");
    let chunk = format!("{CHUNK:x}\r\n{}\r\n", " ".repeat(CHUNK));
    for _ in 0..GB / CHUNK as u64 {
        if socket.write_all(chunk.as_bytes()).is_err() {
            return;
        }
        sent.fetch_add(CHUNK as u64, Relaxed);
    }
}

/// One byte a second.
fn dripping(socket: &mut TcpStream, _: &AtomicU64) {
    head(socket, "200 OK", "Content-Length: 12\r\n");
    for byte in br#"{"code":200}"# {
        std::thread::sleep(Duration::from_secs(1));
        if socket.write_all(&[*byte]).is_err() {
            return;
        }
    }
}

/// An answer of Amplitude's, in two parts.
fn sound(socket: &mut TcpStream, _: &AtomicU64) {
    head(socket, "200 OK", "Content-Length: 33\r\n");
    let _ = socket.write_all(br#"{"code":200,"#);
    std::thread::sleep(Duration::from_millis(200));
    let _ = socket.write_all(br#""events_ingested":1 }"#);
}

fn refusing(socket: &mut TcpStream, _: &AtomicU64) {
    let body = json!({"code": 429, "error": "Too many requests"}).to_string();
    let length = body.len();
    head(
        socket,
        "429 Too Many Requests",
        &format!("Retry-After: 7\r\nContent-Length: {length}\r\n"),
    );
    let _ = socket.write_all(body.as_bytes());
}

fn relay(amplitude: &str) -> Serving {
    let mut command = sluicegate();
    command.args([
        "relay",
        "--headless",
        "--listen",
        "127.0.0.1:0",
        "--pass-to",
        amplitude,
    ]);
    command.stderr(std::process::Stdio::null());
    Serving::start(&mut command)
}

async fn post(relay: &Serving) -> (u16, Option<String>, Value) {
    let body = json!({"api_key": "k", "events": [{"event_type": "A", "user_id": "u"}]});
    let request = http().post(format!("{}/2/httpapi", relay.url));
    let answer = request.body(body.to_string()).send().await.unwrap();
    let later = answer.headers().get("retry-after");
    let later = later.map(|value| value.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap();
    (status, later, serde_json::from_slice(&body).unwrap())
}

/// The most memory that a process ever had, in bytes.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kb = line.split_whitespace().nth(1).unwrap();
    kb.parse::<u64>().unwrap() * 1_024
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_answer_is_cut_off_and_is_not_amplitudes() {
    const TOGETHER: usize = 16;
    let (url, sent) = upstream(endless);
    let relay = relay(&url);
    let before = peak(relay.pid());
    let all = (0..TOGETHER).map(|_| post(&relay));
    for (status, _, body) in futures_util::future::join_all(all).await {
        assert_eq!(status, 503, "{body}");
        let error = body["error"].as_str().unwrap();
        assert!(error.starts_with("another server answers: "), "{error}");
        assert!(error.contains("longer than"), "{error}");
    }
    let grown = peak(relay.pid()) - before;
    assert!(grown < 64 << 20, "{grown}");
    let sent = sent.load(Relaxed);
    assert!(sent < GB / 4, "{sent}");
    assert_eq!(get(&format!("{}/healthz", relay.url))["received"], 0);
    println!("grown by {grown} bytes, {sent} bytes sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_abandoned() {
    let (url, _) = upstream(dripping);
    let relay = relay(&url);
    let began = Instant::now();
    let (status, _, body) = post(&relay).await;
    assert_eq!(status, 503, "{body}");
    assert!(
        body["error"].as_str().unwrap().contains("is too slow"),
        "{body}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(get(&format!("{}/healthz", relay.url))["received"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_parts_comes_back_with_the_headers_that_matter() {
    let (url, _) = upstream(sound);
    let relay = relay(&url);
    let (status, _, body) = post(&relay).await;
    assert_eq!((status, &body["events_ingested"]), (200, &json!(1)));
    assert_eq!(get(&format!("{}/healthz", relay.url))["received"], 1);
    let (url, _) = upstream(refusing);
    let relay = self::relay(&url);
    let (status, later, body) = post(&relay).await;
    assert_eq!((status, later.as_deref()), (429, Some("7")), "{body}");
}
