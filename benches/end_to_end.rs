//! End to end: a feed and a sink as processes of their own, and between them the program, or
//! for comparison a bare loop that only receives, parses and posts, and keeps nothing.
//!
//! `cargo bench --bench end_to_end` sends 200,000 events of 2 kB, a frame each, through both
//! and prints events a second, CPU seconds a million events, and peak memory; for the program
//! also how long an event took from its receipt to the answer. The sink answers after 50 ms.
//! `-- --events N` and `-- --latency MS` change that; `-- --rate N` sends so many a second,
//! through the program only; `-- --outage SECONDS` lets the sink answer 503 for so long first.
//!
//! `-- --screen` runs the program with its screen, in a terminal of 120×34, at 20,000 events a
//! second unless `--rate` says otherwise: it presses keys and prints how long the screen took to
//! answer them, and how many bytes a second it wrote, at 30 frames a second and at 10. Then it
//! sends `--events` as fast as they are taken, with the screen and without, and prints both.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that can't run has nothing better to do"
)]

#[cfg(unix)]
#[path = "common/screen.rs"]
mod screen;

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use sluicegate::customerio::{Item, Mapping};
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
    let run = Run {
        events: value("--events", 200_000),
        latency: value("--latency", 50),
        rate: value("--rate", 0),
        outage: value("--outage", 0),
    };
    if args.iter().any(|arg| arg == "--screen") {
        return screen::measure(run);
    }
    match args
        .iter()
        .find(|a| a.starts_with("part:"))
        .map(String::as_str)
    {
        Some("part:feed") => serve(feed(run)),
        Some("part:sink") => serve(sink(run)),
        Some("part:bare") => serve(bare(args.last().cloned().unwrap_or_default(), run.events)),
        _ => compare(run),
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
struct Run {
    events: u64,
    /// How long the sink takes for an answer, in milliseconds.
    latency: u64,
    /// Events a second; 0 for as many as are taken.
    rate: u64,
    /// The sink is down for so many seconds first.
    outage: u64,
}

impl Run {
    fn part(self, name: &str) -> Part {
        Part::start(&[
            name,
            "--events",
            &self.events.to_string(),
            "--latency",
            &self.latency.to_string(),
            "--rate",
            &self.rate.to_string(),
            "--outage",
            &self.outage.to_string(),
        ])
    }
}

fn serve(part: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(part);
}

fn compare(run: Run) {
    let Run {
        events, latency, ..
    } = run;
    println!("{events} events of 2 kB, a frame each; the sink answers after {latency} ms");
    println!(
        "{:<12}{:>12}{:>18}{:>14}{:>22}",
        "", "events/s", "CPU s a million", "peak memory", "p50, p95, p99 ms"
    );
    let alone = run.rate > 0 || run.outage > 0;
    for name in ["bare loop", "sluicegate"] {
        if alone && name == "bare loop" {
            continue;
        }
        let sink = run.part("part:sink");
        let feed = run.part("part:feed");
        let spool = tempfile::tempdir().unwrap();
        let started = Instant::now();
        let (child, idle) = if name == "bare loop" {
            let place = format!("{} {}", feed.place, sink.place);
            let bare = myself(&["part:bare", "--events", &events.to_string(), &place]);
            (bare, Duration::ZERO)
        } else {
            (program(&feed.place, &sink.place, spool.path()), IDLE)
        };
        let used = wait(child, started, idle);
        let per_second = events as f64 / used.seconds;
        let cpu = used.cpu_seconds * 1e6 / events as f64;
        println!(
            "{name:<12}{per_second:>12.0}{cpu:>18.2}{:>11.1} MB{:>22}",
            used.peak_bytes as f64 / 1e6,
            used.latencies
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

fn program(feed: &str, sink: &str, spool: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sluicegate"))
        .args([
            "run",
            "--open",
            "--exit-when-idle",
            "200ms",
            "--format",
            "json",
        ])
        .envs(settings(feed, sink, spool))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the program is run with.
fn settings(feed: &str, sink: &str, spool: &Path) -> [(&'static str, String); 8] {
    let text = str::to_owned;
    [
        ("SLUICEGATE_FEED_URL", text(feed)),
        ("SLUICEGATE_CUSTOMERIO_BASE_URL", text(sink)),
        ("SLUICEGATE_CUSTOMERIO_SITE_ID", text("bench")),
        ("SLUICEGATE_CUSTOMERIO_API_KEY", text("bench")),
        ("SLUICEGATE_DELIVERY_REQUESTS_PER_SECOND", text("1000")),
        ("SLUICEGATE_SPOOL_FOLDER", spool.display().to_string()),
        ("SLUICEGATE_SPOOL_QUOTA_BYTES", text("100000000000")),
        ("SLUICEGATE_LOG", text("error")),
    ]
}

struct Used {
    seconds: f64,
    cpu_seconds: f64,
    peak_bytes: u64,
    latencies: String,
}

/// Waits for the child, the last `idle` of whose life is no work. What it used is read from
/// /proc while it lives, as it only grows.
fn wait(mut child: Child, started: Instant, idle: Duration) -> Used {
    let mut used = Used {
        seconds: 0.0,
        cpu_seconds: 0.0,
        peak_bytes: 0,
        latencies: String::new(),
    };
    loop {
        let pid = child.id();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
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
        used.peak_bytes = used.peak_bytes.max(peak_bytes(pid));
        if child.try_wait().unwrap().is_some() {
            used.seconds = started.elapsed().saturating_sub(idle).as_secs_f64();
            used.latencies = latencies(&mut child);
            return used;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The most memory that a process has had; 0 where nothing tells.
fn peak_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| {
        let kilobytes = line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?;
        kilobytes.parse::<u64>().ok()
    });
    peak.unwrap_or(0) * 1_024
}

/// What the program's summary says: it has to have delivered everything.
fn latencies(child: &mut Child) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut text).unwrap();
    let Ok(summary) = serde_json::from_str::<serde_json::Value>(&text) else {
        return String::new();
    };
    assert_eq!(
        summary["totals"]["received"],
        summary["totals"]["delivered"]
    );
    let ms = |name: &str| summary["latency_ms"][name].to_string();
    [ms("p50_ms"), ms("p95_ms"), ms("p99_ms")].join(", ")
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

fn text(number: u64, now: i64, filler: &str) -> String {
    format!(
        r#"{{"event_type":"Purchase Completed","user_id":"user-{}","device_id":"6401652F-4D55-061A-786C","insert_id":"i-{number}","time":{now},"platform":"iOS","country":"Malaysia","city":"Kuala Lumpur","session_id":1751254640623,"library":"amplitude-swift/1.13.6","event_properties":{{"price":12.5,"number":{number},"note":"{filler}"}},"user_properties":{{"plan":"pro","email":"ann@example.com","songs":17}}}}"#,
        number % 5_000
    )
}

async fn feed(run: Run) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let filler: String = (0..1_550_u32)
        .map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
        .collect();
    say(&format!("ws://{}", listener.local_addr().unwrap()));
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let started = tokio::time::Instant::now();
    let mut now = 0;
    for number in 0..run.events {
        if number % 100 == 0 {
            now = sluicegate::amplitude::time::now();
            if run.rate > 0 {
                // Whoever listened may have seen enough.
                if socket.flush().await.is_err() {
                    return;
                }
                let due = Duration::from_secs_f64(number as f64 / run.rate as f64);
                tokio::time::sleep_until(started + due).await;
            }
        }
        let text = text(number, now, &filler);
        if socket.feed(Message::text(text)).await.is_err() {
            return;
        }
    }
    let _ = socket.flush().await;
    while let Some(Ok(_)) = socket.next().await {}
}

async fn sink(run: Run) {
    let began = Instant::now();
    let answer = move |body: Bytes| async move {
        tokio::time::sleep(Duration::from_millis(run.latency)).await;
        drop(body);
        if began.elapsed() < Duration::from_secs(run.outage) {
            (axum::http::StatusCode::SERVICE_UNAVAILABLE, "down")
        } else {
            (axum::http::StatusCode::OK, "{}")
        }
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
