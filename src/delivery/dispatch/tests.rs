//! Tasks of delivery that panic, or are ended: with a real pipeline, spool and sandbox.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::customerio::Client;
use crate::customerio::sandbox::{Faults, Options, Sandbox};
use crate::delivery::Control;
use crate::delivery::spool::Spool;
use crate::feed::WebSocketFeed;
use crate::feed::server::{self, Server};
use crate::filter::Mode;
use crate::pipeline::Pipeline;

struct Running {
    feed: Server,
    sandbox: Sandbox,
    client: Arc<Client>,
    pipeline: Pipeline,
    _folder: tempfile::TempDir,
}

async fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap()
}

async fn running(faults: Faults) -> Running {
    let options = Options {
        faults,
        ..Options::default()
    };
    let sandbox = Sandbox::start(listener().await, options).unwrap();
    let feed = Server::start(listener().await, server::Options::default()).unwrap();
    let mut settings = Settings {
        gate: Mode::Open,
        ..Settings::default()
    };
    settings.feed.url = feed.url().into();
    settings.customerio.site_id = "site".to_owned();
    settings.customerio.api_key = SecretString::from("key");
    settings.customerio.base_url = sandbox.url().into();
    settings.delivery.batch_age = Duration::from_millis(10);
    settings.delivery.first_delay = Duration::from_millis(20);
    // Were its permit not given back, nothing could be sent any more.
    settings.delivery.in_flight = 1;
    // Were its bytes not given back, nothing more would be taken up from the spool.
    settings.delivery.queue_bytes = 1_000;
    let client = Arc::new(Client::new(settings.destination().unwrap()).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let from = Box::new(WebSocketFeed::new(settings.feed.clone()).unwrap());
    let pipeline = Pipeline::start(&settings, from, &client, spool).unwrap();
    Running {
        feed,
        sandbox,
        client,
        pipeline,
        _folder: folder,
    }
}

impl Running {
    async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let waited = async {
            while !done(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waited).await;
        waited.unwrap_or_else(|_| panic!("waited in vain until {what}"));
    }

    /// A notice tells the operator.
    async fn is_told(&self, what: &str) {
        let snapshots = self.pipeline.handle().snapshots();
        self.until("the operator is told", |_| {
            let notices = &snapshots.borrow().notices;
            notices.iter().any(|notice| notice.text.contains(what))
        })
        .await;
    }

    async fn publish(&self, number: u64) {
        let text = format!(
            r#"{{"event_type":"Step","user_id":"u","device_id":"d","insert_id":"{number}","time":1800000000000,"event_properties":{{"number":{number}}}}}"#
        );
        self.feed.publish(&text).await;
    }

    /// All came, in their order, and nothing is left.
    async fn ends_with(self, count: u64) {
        self.until("all have come", |r| r.sandbox.counts().events == count)
            .await;
        let events = self.sandbox.events_of("u");
        let numbers: Vec<_> = events
            .iter()
            .map(|e| e.attributes["number"].as_u64())
            .collect();
        assert_eq!(numbers, (0..count).map(Some).collect::<Vec<_>>());
        let ended = self
            .pipeline
            .end(Duration::from_secs(10), CancellationToken::new())
            .await;
        assert_eq!((ended.left, ended.last.delivery.in_flight), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_had_that_panics_is_tried_again_and_told() {
    let running = running(Faults::default()).await;
    running
        .until("it is connected", |r| r.feed.clients() == 1)
        .await;
    running.client.panics.store(2, Relaxed);
    for number in 0..20 {
        running.publish(number).await;
    }
    running
        .until("it is told", |r| {
            let ring = r.pipeline.handle().ring().lock();
            let told = ring.from(0).flat_map(|record| &record.story.attempts);
            told.filter(|attempt| attempt.message.contains("a fault of this program: told to"))
                .count()
                > 0
        })
        .await;
    running.is_told("a fault of this program: told to").await;
    running.ends_with(20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_task_had_that_is_ended_is_tried_again() {
    let slow = Faults {
        latency_ms: 3_600_000,
        ..Faults::default()
    };
    let running = running(slow).await;
    running
        .until("it is connected", |r| r.feed.clients() == 1)
        .await;
    for number in 0..20 {
        running.publish(number).await;
    }
    let snapshots = running.pipeline.handle().snapshots();
    running
        .until("a request is out", |_| {
            let delivery = &snapshots.borrow().delivery;
            delivery.in_flight == 1 && delivery.spool.items == 20
        })
        .await;
    running.sandbox.set_faults(Faults::default());
    running.pipeline.handle().control(Control::AbortTasks).await;
    running.is_told("a task of delivery ended by itself").await;
    running.ends_with(20).await;
}
