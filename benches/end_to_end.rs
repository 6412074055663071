//! End to end: a feed and a sink as processes of their own, and between them the program, or
//! for comparison a bare loop that only receives, parses and posts.
//!
//! `cargo bench --bench end_to_end` sends 200,000 events of 2 kB, a frame each, through both
//! and prints events a second, CPU seconds a million events, and peak memory. The sink answers
//! after 50 ms. `-- --events N` and `-- --latency MS` change that.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that can't run has nothing better to do"
)]

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use sluicegate::customerio::{Mapping, mapping::Item};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

/// The program ends when it has been idle for so long.
const IDLE: Duration = Duration::from_millis(200);

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str, default: u64| {
        let at = args.iter().position(|a| a == name);
        at.and_then(|i| args.get(i + 1)?.parse().ok())
            .unwrap_or(default)
    };
    let (events, latency) = (value("--events", 200_000), value("--latency", 50));
    match args
        .iter()
        .find(|a| a.starts_with("part:"))
        .map(String::as_str)
    {
        Some("part:feed") => serve(feed(events)),
        Some("part:sink") => serve(sink(latency)),
        Some("part:bare") => serve(bare(args.last().cloned().unwrap_or_default(), events)),
        _ => compare(events, latency),
    }
}

fn serve(part: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(part);
}

fn compare(events: u64, latency: u64) {
    println!("{events} events of 2 kB, a frame each; the sink answers after {latency} ms");
    println!(
        "{:<12}{:>12}{:>18}{:>14}",
        "", "events/s", "CPU s a million", "peak memory"
    );
    for name in ["bare loop", "sluicegate"] {
        let sink = Part::start(&["part:sink", "--latency", &latency.to_string()]);
        let feed = Part::start(&["part:feed", "--events", &events.to_string()]);
        let spool = tempfile::tempdir().unwrap();
        let started = Instant::now();
        let child = if name == "bare loop" {
            let place = format!("{} {}", feed.place, sink.place);
            myself(&["part:bare", "--events", &events.to_string(), &place])
        } else {
            program(&feed.place, &sink.place, spool.path())
        };
        let idle = if name == "bare loop" {
            Duration::ZERO
        } else {
            IDLE
        };
        let used = wait(child, started, idle);
        let per_second = events as f64 / used.seconds;
        let cpu = used.cpu_seconds * 1e6 / events as f64;
        println!(
            "{name:<12}{per_second:>12.0}{cpu:>18.2}{:>11.1} MB",
            used.peak_bytes as f64 / 1e6
        );
    }
}

fn myself(args: &[&str]) -> Child {
    let me = std::env::current_exe().unwrap();
    Command::new(me)
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn program(feed: &str, sink: &str, spool: &std::path::Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sluicegate"))
        .args([
            "run",
            "--open",
            "--exit-when-idle",
            "200ms",
            "--format",
            "json",
        ])
        .env("SLUICEGATE_FEED_URL", feed)
        .env("SLUICEGATE_CUSTOMERIO_BASE_URL", sink)
        .env("SLUICEGATE_CUSTOMERIO_SITE_ID", "bench")
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "bench")
        .env("SLUICEGATE_DELIVERY_REQUESTS_PER_SECOND", "1000")
        .env("SLUICEGATE_SPOOL_FOLDER", spool)
        .env("SLUICEGATE_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

struct Used {
    seconds: f64,
    cpu_seconds: f64,
    peak_bytes: u64,
}

/// Waits for the child, the last `idle` of whose life is no work. What it used is read from
/// /proc while it lives, as it only grows.
fn wait(mut child: Child, started: Instant, idle: Duration) -> Used {
    let mut used = Used {
        seconds: 0.0,
        cpu_seconds: 0.0,
        peak_bytes: 0,
    };
    loop {
        let pid = child.id();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let fields: Vec<i64> = stat
            .rsplit(") ")
            .next()
            .unwrap_or_default()
            .split(' ')
            .filter_map(|f| f.parse().ok())
            .collect();
        // utime and stime, in ticks of 10 ms; the state before them is a letter.
        if let (Some(user), Some(system)) = (fields.get(10), fields.get(11)) {
            let cpu = (user + system) as f64 / 100.0;
            used.cpu_seconds = used.cpu_seconds.max(cpu);
        }
        let peak = status.lines().find_map(|l| {
            l.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse::<u64>()
                .ok()
        });
        used.peak_bytes = used.peak_bytes.max(peak.unwrap_or(0) * 1_024);
        if child.try_wait().unwrap().is_some() {
            used.seconds = started.elapsed().saturating_sub(idle).as_secs_f64();
            return used;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A process of this benchmark, and where it serves.
struct Part {
    child: Child,
    place: String,
}

impl Part {
    fn start(args: &[&str]) -> Self {
        let mut child = myself(args);
        let mut place = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut place)
            .unwrap();
        Self {
            child,
            place: place.trim().to_owned(),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(place: &str) {
    println!("{place}");
    std::io::stdout().flush().unwrap();
}

fn text(number: u64) -> String {
    let filler = "x".repeat(1_550);
    let now = sluicegate::amplitude::time::now();
    format!(
        r#"{{"event_type":"Purchase Completed","user_id":"user-{}","device_id":"6401652F-4D55-061A-786C","insert_id":"i-{number}","time":{now},"platform":"iOS","country":"Malaysia","city":"Kuala Lumpur","session_id":1751254640623,"library":"amplitude-swift/1.13.6","event_properties":{{"price":12.5,"number":{number},"note":"{filler}"}},"user_properties":{{"plan":"pro","email":"ann@example.com","songs":17}}}}"#,
        number % 5_000
    )
}

async fn feed(events: u64) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let all: Vec<String> = (0..events).map(text).collect();
    say(&format!("ws://{}", listener.local_addr().unwrap()));
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    for one in all {
        socket.feed(Message::text(one)).await.unwrap();
    }
    socket.flush().await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

async fn sink(latency: u64) {
    let answer = move |body: Bytes| async move {
        tokio::time::sleep(Duration::from_millis(latency)).await;
        drop(body);
        "{}"
    };
    let app = axum::Router::new()
        .fallback(axum::routing::any(answer))
        .layer(axum::extract::DefaultBodyLimit::disable());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    say(&format!("http://{}", listener.local_addr().unwrap()));
    axum::serve(listener, app).await.unwrap();
}

/// The least that anyone could write: receive, parse, post in batches, 16 at a time.
async fn bare(places: String, events: u64) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (feed, sink) = places.split_once(' ').unwrap();
    let http = reqwest::Client::new();
    let url = format!("{sink}/api/v2/batch");
    let (mut socket, _) = tokio_tungstenite::connect_async(feed).await.unwrap();
    let mut out = tokio::task::JoinSet::new();
    let mapping = Mapping::default();
    let (mut batch, mut bytes): (Vec<Item>, usize) = (Vec::new(), 0);
    for n in 1..=events {
        let Some(Ok(Message::Text(text))) = socket.next().await else {
            break;
        };
        let item = bare_item(text.as_str(), &mapping);
        bytes += item.body.len() + 1;
        batch.push(item);
        if bytes > 480_000 || n == events {
            if out.len() >= 16 {
                out.join_next().await;
            }
            let mut body = b"{\"batch\":[".to_vec();
            for (i, item) in batch.drain(..).enumerate() {
                if i > 0 {
                    body.push(b',');
                }
                body.extend_from_slice(&item.body);
            }
            body.extend_from_slice(b"]}");
            bytes = 0;
            let request = http.post(&url).body(body);
            out.spawn(async move { request.send().await.map(|r| r.status()) });
        }
    }
    while out.join_next().await.is_some() {}
}

fn bare_item(text: &str, mapping: &Mapping) -> Item {
    use sluicegate::amplitude::{Reading, frame};
    let mut item = None;
    frame::decode(&text.into(), 0, "message_id", |event| {
        item = event
            .ok()
            .and_then(|event| mapping.map(&Reading::new(&event), Vec::new()).item());
    });
    item.unwrap()
}
