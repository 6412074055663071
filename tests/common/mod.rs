//! Fixtures for many tests: servers on free ports, settings for them, and waiting.
#![allow(dead_code, reason = "each test uses some of these fixtures")]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use sluicegate::config::Settings;
use sluicegate::customerio::sandbox::{Faults, Options, Sandbox};
use sluicegate::feed::server::{self, Server};
use sluicegate::feed::{FeedState, FeedStatus, Frame, Frames};
use sluicegate::filter::Mode;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// Starts a sandbox with these faults, which requires the credentials `site:key`.
pub async fn sandbox(faults: Faults) -> Sandbox {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    Sandbox::start(
        listener,
        Options {
            credentials: Some("site:key".to_owned()),
            faults,
            ..Options::default()
        },
    )
    .unwrap()
}

/// Starts a feed server.
pub async fn feed() -> Server {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    Server::start(listener, server::Options::default()).unwrap()
}

/// Starts a feed server at this address, once it is free.
pub async fn feed_at(at: SocketAddr) -> Server {
    let started = Instant::now();
    loop {
        let Ok(listener) = tokio::net::TcpListener::bind(at).await else {
            assert!(started.elapsed() < Duration::from_secs(10), "{at} is free");
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        return Server::start(listener, server::Options::default()).unwrap();
    }
}

/// Returns settings with an open gate, this feed and destination, and quick retries.
pub fn settings(feed: &str, base_url: &str) -> Settings {
    let mut settings = Settings {
        gate: Mode::Open,
        ..Settings::default()
    };
    settings.feed.url = feed.into();
    settings.customerio.site_id = "site".to_owned();
    settings.customerio.api_key = SecretString::from("key");
    settings.customerio.base_url = base_url.into();
    settings.delivery.batch_age = Duration::from_millis(20);
    settings.delivery.first_delay = Duration::from_millis(20);
    settings.delivery.longest_delay = Duration::from_millis(100);
    settings.feed.reconnect_min = Duration::from_millis(20);
    settings.feed.reconnect_max = Duration::from_millis(100);
    settings.delivery.first_probe = Duration::from_millis(20);
    settings.delivery.longest_probe = Duration::from_millis(100);
    settings.spool.commit_age = Duration::from_millis(5);
    settings
}

/// Returns an address on which nothing listens.
pub fn nowhere() -> SocketAddr {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Returns the `number`-th event of `person`, with the current time.
pub fn event(person: &str, number: u64) -> String {
    let now = sluicegate::amplitude::time::now();
    format!(
        r#"{{"event_type":"Step","user_id":"{person}","insert_id":"{person}-{number}","device_id":"d-{person}","time":{now},"event_properties":{{"number":{number}}}}}"#
    )
}

/// Returns the numbers of a person's events at the sandbox, in order of arrival.
pub fn numbers_of(sandbox: &Sandbox, person: &str) -> Vec<u64> {
    let events = sandbox.events_of(person);
    let numbers = events.iter().map(|e| e.attributes["number"].as_u64());
    numbers.flatten().collect()
}

/// Waits until `done` returns true. Panics with `what` after 20 seconds.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "waited in vain until {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the feed is down, and returns the reason.
pub async fn down(status: &watch::Receiver<FeedStatus>) -> String {
    let mut seen = String::new();
    until("the feed is down", || match &status.borrow().state {
        FeedState::Down { why, .. } => {
            seen.clone_from(why);
            true
        }
        _ => false,
    })
    .await;
    seen
}

/// Receives a feed's frames one by one.
pub struct FrameReceiver {
    batches: mpsc::Receiver<Frames>,
    frames: VecDeque<Frame>,
}

impl From<mpsc::Receiver<Frames>> for FrameReceiver {
    fn from(batches: mpsc::Receiver<Frames>) -> Self {
        Self {
            batches,
            frames: VecDeque::new(),
        }
    }
}

impl FrameReceiver {
    /// Waits for the next frame; none if the feed has ended.
    pub async fn recv(&mut self) -> Option<Frame> {
        while self.frames.is_empty() {
            self.frames = self.batches.recv().await?.frames.into();
        }
        self.frames.pop_front()
    }

    /// Whether no frame waits.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.batches.is_empty()
    }

    /// The number of batches of frames that wait.
    pub fn batches(&self) -> usize {
        self.batches.len()
    }
}
