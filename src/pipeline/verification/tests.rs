//! Verification against the sandbox, over HTTP, with the time given.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::TcpListener;

use super::reservoir::Reservoir;
use super::sampler::Sampler;
use super::schedule::Sample;
use super::verifier::Verifier;
use crate::amplitude::time::{self, UnixMs};
use crate::customerio::Client;
use crate::customerio::app::{AppClient, AppDestination, Question};
use crate::customerio::client::{Destination, Region};
use crate::customerio::item::{Item, Route};
use crate::customerio::sandbox::{AppFaults, Faults, Options, Sandbox};
use crate::delivery::{Accepted, Part};
use crate::network::ProxySetting;

const MINUTE: i64 = 60_000;

struct Bench {
    sandbox: Sandbox,
    track: Arc<Client>,
    verifier: Verifier,
    now: UnixMs,
}

impl Bench {
    async fn new(app: AppFaults, key: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let options = Options {
            app_key: Some("app-key".to_owned()),
            ..Options::default()
        };
        let sandbox = Sandbox::start(listener, options).unwrap();
        set(&sandbox, app);
        let timeout = Duration::from_secs(5);
        let destination = Destination {
            site_id: "site".to_owned(),
            api_key: SecretString::from("key"),
            region: Region::Auto,
            base_url: Some(sandbox.url()),
            proxy: ProxySetting::Direct,
            timeout,
        };
        let track = Arc::new(Client::new(destination).unwrap());
        let destination = AppDestination {
            api_key: SecretString::from(key),
            base_url: None,
            proxy: ProxySetting::Direct,
            timeout,
        };
        let client = AppClient::new(destination, track.clone()).unwrap();
        Self {
            sandbox,
            track,
            verifier: Verifier::new(Arc::new(client), 6),
            now: time::now(),
        }
    }

    /// Delivers an event, and samples it.
    async fn deliver(&mut self, name: &str) {
        let seconds = self.now / 1_000;
        let body = format!(
            r#"{{"type":"person","action":"event","identifiers":{{"id":"u-1"}},"name":"{name}","timestamp":{seconds},"attributes":{{}}}}"#
        );
        let question = Question::about(&Route::Batch, body.as_bytes()).unwrap();
        let mut item = Item {
            id: ulid::Ulid::nil(),
            person: 0,
            route: Route::Batch,
            body: body.into(),
        };
        let answer = self.track.send_one(&mut item).await;
        assert_eq!(answer.label(), "200");
        self.verifier.add(Sample::new(question, self.now).unwrap());
    }

    /// The state so many minutes after the delivery, as `[verified, failed, missing, waiting]`, and
    /// the requests so far.
    async fn after(&mut self, minutes: i64) -> ([u64; 4], u64) {
        let status = self.verifier.work(self.now + minutes * MINUTE).await;
        let hour = status.hour;
        let counts = [hour.verified, hour.failed, hour.missing, status.waiting];
        (counts, self.sandbox.counts().app_requests)
    }
}

fn set(sandbox: &Sandbox, app: AppFaults) {
    sandbox.set_faults(Faults {
        app,
        ..Faults::default()
    });
}

#[tokio::test]
async fn a_delivered_event_is_looked_up_once_a_minute_later() {
    let mut bench = Bench::new(AppFaults::default(), "app-key").await;
    bench.deliver("Purchase").await;
    assert_eq!(bench.after(0).await, ([0, 0, 0, 1], 0));
    assert_eq!(bench.after(1).await, ([1, 0, 0, 0], 1));
    assert_eq!(bench.after(5).await, ([1, 0, 0, 0], 1));
    // It counts for an hour.
    assert_eq!(bench.after(60).await, ([1, 0, 0, 0], 1));
    assert_eq!(bench.after(61).await, ([0, 0, 0, 0], 1));
}

#[tokio::test]
async fn an_event_that_fails_after_its_200_is_found() {
    let app = AppFaults {
        fail_event: Some("Purchase".to_owned()),
        ..AppFaults::default()
    };
    let mut bench = Bench::new(app, "app-key").await;
    bench.deliver("Purchase").await;
    assert_eq!(bench.after(1).await, ([0, 1, 0, 0], 1));
    let status = bench.verifier.work(bench.now + 2 * MINUTE).await;
    let event = &status.unverified[0];
    assert_eq!(event.name, "Purchase");
    assert!(event.reason.contains("failed_event"), "{}", event.reason);
}

#[tokio::test]
async fn an_event_counts_as_missing_only_after_looks_for_an_hour() {
    let app = AppFaults {
        lose_event: Some("Purchase".to_owned()),
        ..AppFaults::default()
    };
    let mut bench = Bench::new(app, "app-key").await;
    bench.deliver("Purchase").await;
    for (minutes, counts, requests) in [
        (1, [0, 0, 0, 1], 1),
        (2, [0, 0, 0, 1], 1),
        (3, [0, 0, 0, 1], 2),
        (10, [0, 0, 0, 1], 2),
        (11, [0, 0, 0, 1], 3),
        (60, [0, 0, 0, 1], 3),
        (61, [0, 0, 1, 0], 4),
        (90, [0, 0, 1, 0], 4),
    ] {
        assert_eq!(bench.after(minutes).await, (counts, requests), "{minutes}");
    }
    let status = bench.verifier.work(bench.now + 90 * MINUTE).await;
    assert!(
        status.unverified[0]
            .reason
            .contains("an hour after its delivery")
    );
}

#[tokio::test]
async fn an_event_that_customer_io_shows_late_is_verified() {
    let app = AppFaults {
        delay_ms: 5 * 60_000,
        ..AppFaults::default()
    };
    let mut bench = Bench::new(app, "app-key").await;
    bench.deliver("Purchase").await;
    assert_eq!(bench.after(1).await, ([0, 0, 0, 1], 1));
    assert_eq!(bench.after(3).await, ([0, 0, 0, 1], 2));
    bench.sandbox.advance(Duration::from_secs(600));
    assert_eq!(bench.after(11).await, ([1, 0, 0, 0], 3));
}

#[tokio::test]
async fn without_answers_nothing_is_called_missing() {
    let mut wrong = Bench::new(AppFaults::default(), "wrong-key").await;
    wrong.deliver("Purchase").await;
    for minutes in 1..=180 {
        assert_eq!(wrong.after(minutes).await.0[..3], [0, 0, 0]);
    }
    let status = wrong.verifier.work(wrong.now + 180 * MINUTE).await;
    let problem = status.problem.unwrap();
    assert!(
        problem.contains("refuses the key in verify.app_api_key"),
        "{problem}"
    );
    assert_eq!((status.waiting, status.hour.undecided), (0, 1));

    // A 429 and a 500 are told, and tried again.
    let app = AppFaults {
        script: [500].into(),
        ..AppFaults::default()
    };
    let mut bench = Bench::new(app, "app-key").await;
    bench.deliver("Purchase").await;
    let status = bench.verifier.work(bench.now + MINUTE).await;
    assert!(status.problem.is_some() && status.waiting == 1);
    let status = bench.verifier.work(bench.now + 2 * MINUTE).await;
    assert_eq!((status.problem, status.hour.verified), (None, 1));
}

#[test]
fn a_chosen_event_is_handed_on_with_what_it_was_sent_as() {
    let (mut sampler, mut ends) = Sampler::new(6, 1);
    let accepted = |body: &str| Accepted {
        item: Item {
            id: ulid::Ulid::nil(),
            person: 0,
            route: Route::Batch,
            body: body.to_owned().into(),
        },
        sequence: 1,
        part: Part::Event,
        event_type: "Step".into(),
        happened_ms: 0,
        received_ms: 0,
        origin: None,
    };
    let named = r#"{"identifiers":{"id":"u-1"},"name":"Step","timestamp":7,"id":"01A"}"#;
    sampler.offer(&accepted(named), 1_000);
    sampler.hand_on(2_000);
    assert!(ends.samples.try_recv().is_err(), "the interval goes on");
    sampler.hand_on(11_000);
    let sample = ends.samples.try_recv().unwrap();
    assert_eq!(
        (sample.person.value.as_str(), sample.event.at_s),
        ("u-1", 7)
    );
    // Nobody can be asked about an anonymous person.
    let anonymous = r#"{"identifiers":{"anonymous_id":"d"},"name":"Step","timestamp":7}"#;
    sampler.offer(&accepted(anonymous), 20_000);
    sampler.hand_on(40_000);
    assert!(ends.samples.try_recv().is_err());
}

#[test]
fn a_reservoir_keeps_one_of_each_interval_each_with_the_same_chance() {
    let mut chosen = [0_u32; 5];
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    for round in 0..5_000 {
        let mut reservoir = Reservoir::new(6);
        let start = round * 20_000;
        for item in 0..5 {
            reservoir.offer(start + 1_000 * item, &mut random, || item);
            assert_eq!(reservoir.take(start + 1_000 * item), None);
        }
        let item = reservoir.take(start + 10_000).unwrap();
        chosen[item as usize] += 1;
        assert_eq!(reservoir.take(start + 20_000), None);
    }
    assert!(
        chosen.iter().all(|count| (850..1_150).contains(count)),
        "{chosen:?}"
    );
    // A clock that was set back doesn't stop it.
    let mut reservoir = Reservoir::new(6);
    reservoir.offer(1_000_000, &mut random, || 1);
    assert_eq!(reservoir.take(5), Some(1));
}
