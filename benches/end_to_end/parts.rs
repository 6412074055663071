//! The processes at both ends: a feed, and a sink in Customer.io's place.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use super::Run;

/// Where a measured process finds everything.
pub struct Places<'p> {
    pub feed: &'p str,
    pub sink: &'p str,
    /// A folder that it may fill.
    pub spool: &'p Path,
    pub events: u64,
}

/// A process of this benchmark, and where it serves.
pub struct Part {
    child: Child,
    pub place: String,
}

impl Part {
    pub fn start(args: &[&str]) -> Self {
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

/// Starts this program again, as another part.
pub fn myself(args: &[&str]) -> Child {
    let me = std::env::current_exe().unwrap();
    Command::new(me)
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

pub fn serve(part: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(part);
}

fn say(place: &str) {
    println!("{place}");
    std::io::stdout().flush().unwrap();
}

/// What all events have in common. The feed makes an event by copying, so that it costs little
/// beside what is measured.
struct Template {
    filler: String,
}

impl Template {
    fn new() -> Self {
        let letter = |n: u32| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 27) as u8 % 26);
        Self {
            filler: (0..1_550_u32).map(letter).collect(),
        }
    }

    fn event(&self, number: u64, now: i64) -> String {
        format!(
            r#"{{"event_type":"Purchase Completed","user_id":"user-{}","device_id":"6401652F-4D55-061A-786C","insert_id":"i-{number}","time":{now},"platform":"iOS","country":"Malaysia","city":"Kuala Lumpur","session_id":1751254640623,"library":"amplitude-swift/1.13.6","event_properties":{{"price":12.5,"number":{number},"note":"{}"}},"user_properties":{{"plan":"pro","email":"ann@example.com","songs":17}}}}"#,
            number % 5_000,
            self.filler
        )
    }
}

pub async fn feed(run: Run) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let template = Template::new();
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
        let text = template.event(number, now);
        if socket.feed(Message::text(text)).await.is_err() {
            return;
        }
    }
    let _ = socket.flush().await;
    while let Some(Ok(_)) = socket.next().await {}
}

pub async fn sink(run: Run) {
    let began = Instant::now();
    let answer = move |body: Bytes| async move {
        if run.latency > 0 {
            tokio::time::sleep(Duration::from_millis(run.latency)).await;
        }
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
