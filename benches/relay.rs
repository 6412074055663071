//! The relay: `cargo bench --bench relay` sends events of 1 kB as webhooks, a hundred at a time
//! from 8 connections, for 5 seconds, to the relay in a process of its own, with 1, 10 and 100
//! clients that read, with and without a log on disk. It prints events a second in and out, and
//! the relay's memory at the first second and at the last. `-- --seconds N` changes the time.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that can't run has nothing better to do"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::json;
use tokio_tungstenite::connect_async;

const SENDERS: usize = 8;
const EVENTS: usize = 100;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let at = args.iter().position(|arg| arg == "--seconds");
    let seconds = at.and_then(|i| args.get(i + 1)?.parse().ok()).unwrap_or(5);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!(
        "{:<10}{:>9}{:>14}{:>14}{:>24}",
        "", "clients", "events/s in", "events/s out", "memory, first and last"
    );
    for retain in [false, true] {
        for clients in [1, 10, 100] {
            runtime.block_on(measure(retain, clients, seconds));
        }
    }
}

async fn measure(retain: bool, clients: usize, seconds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(retain, folder.path());
    let sent = Arc::new(AtomicU64::new(0));
    let read = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    for _ in 0..clients {
        let (mut client, _) = connect_async(relay.feed()).await.unwrap();
        let read = read.clone();
        tokio::spawn(async move {
            while let Some(Ok(_)) = client.next().await {
                read.fetch_add(1, Relaxed);
            }
        });
    }
    let event = json!({
        "event_type": "Purchase Completed", "user_id": "u-1", "time": 1,
        "event_properties": {"note": "y".repeat(900)},
    });
    let body = serde_json::Value::from(vec![event; EVENTS]).to_string();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (http, body, sent, stop) = (http.clone(), body.clone(), sent.clone(), stop.clone());
            let url = format!("{}/webhook", relay.url);
            tokio::spawn(async move {
                while !stop.load(Relaxed) {
                    let answer = http.post(&url).body(body.clone()).send().await.unwrap();
                    assert_eq!(answer.status(), 200);
                    sent.fetch_add(EVENTS as u64, Relaxed);
                }
            })
        })
        .collect();
    let started = Instant::now();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let first = relay.memory();
    tokio::time::sleep(Duration::from_secs(seconds.saturating_sub(1))).await;
    let took = started.elapsed().as_secs_f64();
    let last = relay.memory();
    let [into, out] = [&sent, &read].map(|n| n.load(Relaxed) as f64 / took);
    stop.store(true, Relaxed);
    for sender in senders {
        sender.await.unwrap();
    }
    let name = if retain { "on disk" } else { "in memory" };
    println!("{name:<10}{clients:>9}{into:>14.0}{out:>14.0}{first:>12.1}, {last:>6.1} MB");
}

/// The program, serving.
struct Relay {
    child: Child,
    url: String,
}

impl Relay {
    fn start(retain: bool, folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command.args(["relay", "--listen", "127.0.0.1:0"]);
        if retain {
            command.args(["--retain", "1h", "--folder"]).arg(folder);
        }
        // Who comes and goes is no figure.
        command.env("SLUICEGATE_LOG", "warn");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let url = line
            .split([' ', ','])
            .find(|word| word.starts_with("http://"));
        Self {
            url: url.unwrap().to_owned(),
            child,
        }
    }

    fn feed(&self) -> String {
        format!("{}/feed", self.url.replace("http://", "ws://"))
    }

    /// In MB; 0 where nothing tells.
    fn memory(&self) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes =
            resident.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kilobytes.unwrap_or(0.0) / 1e3
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
