//! Delivery against the sandbox, over real HTTP: every kind of answer, and what becomes of
//! the events because of it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{event, nowhere, sandbox, settings, until};
use sluicegate::amplitude::{Event, Reading, frame};
use sluicegate::config::Settings;
use sluicegate::customerio::sandbox::{Fault, Faults, Sandbox};
use sluicegate::customerio::{Client, Mapping};
use sluicegate::delivery::{
    Answered, Control, Dispatch, Part, Queued, Settled, Standing, Undelivered,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// A dispatcher towards `sandbox`, and all that it tells.
struct Bench {
    items: Option<mpsc::Sender<Vec<Queued>>>,
    control: mpsc::Sender<Control>,
    standing: watch::Receiver<Standing>,
    told: JoinHandle<Vec<Answered>>,
    dispatch: JoinHandle<Vec<Queued>>,
}

impl Bench {
    fn new(settings: &Settings) -> Self {
        let client = Arc::new(Client::new(settings.destination().unwrap()).unwrap());
        let (items, taken) = mpsc::channel(16);
        let (control, controls) = mpsc::channel(4);
        let (answered, mut answers) = mpsc::channel(16);
        let (standing_told, standing) = watch::channel(Standing::default());
        let dispatch = Dispatch::new(client, settings.dispatch(), answered, standing_told);
        let told = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(one) = answers.recv().await {
                all.push(one);
            }
            all
        });
        Self {
            items: Some(items),
            control,
            standing,
            told,
            dispatch: tokio::spawn(dispatch.run(taken, controls)),
        }
    }

    async fn send(&self, items: Vec<Queued>) {
        self.items.as_ref().unwrap().send(items).await.unwrap();
    }

    /// Lets it settle everything; returns what it told, and what was left.
    async fn finish(mut self) -> (Vec<Answered>, Vec<Queued>) {
        self.items = None;
        let left = tokio::time::timeout(Duration::from_secs(30), self.dispatch)
            .await
            .unwrap()
            .unwrap();
        (self.told.await.unwrap(), left)
    }
}

/// What finally became of each event, by its number.
fn outcomes(told: &[Answered]) -> Vec<(u64, Settled)> {
    let all = told.iter().flat_map(|a| &a.settled);
    let mut last: Vec<(u64, Settled)> = all
        .filter(|(_, s)| !matches!(s, Settled::Waiting { .. }))
        .map(|(q, s)| (q.sequence, s.clone()))
        .collect();
    last.sort_by_key(|(n, _)| *n);
    last
}

fn labels(told: &[Answered]) -> Vec<&str> {
    told.iter().map(|a| a.attempt.answer.as_str()).collect()
}

fn queued(sequence: u64, text: &str) -> Queued {
    let mut found: Option<Event> = None;
    frame::decode(&text.into(), 0, "message_id", |one| {
        found = Some(one.unwrap());
    });
    let event = found.unwrap();
    let item = Mapping::default()
        .map(&Reading::new(&event), Vec::new())
        .item()
        .unwrap();
    Queued {
        item,
        sequence,
        part: Part::Event,
        received_ms: 0,
    }
}

fn some(count: u64) -> Vec<Queued> {
    (0..count)
        .map(|n| queued(n, &event(&format!("u-{}", n % 7), n)))
        .collect()
}

fn with(script: impl IntoIterator<Item = Fault>) -> Faults {
    Faults {
        script: script.into_iter().collect(),
        ..Faults::default()
    }
}

async fn deliver(sandbox: &Sandbox, items: Vec<Queued>) -> (Vec<Answered>, Vec<Queued>) {
    let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
    bench.send(items).await;
    bench.finish().await
}

fn all_delivered(told: &[Answered], count: usize) -> bool {
    let all = outcomes(told);
    all.len() == count
        && all
            .iter()
            .all(|(_, s)| matches!(s, Settled::Delivered { .. }))
}

#[tokio::test]
async fn events_are_delivered_in_one_batch_and_a_person_is_created() {
    let sandbox = sandbox(Faults::default()).await;
    let (told, left) = deliver(&sandbox, some(100)).await;
    assert!(all_delivered(&told, 100) && left.is_empty());
    let counts = sandbox.counts();
    assert_eq!((counts.events, counts.people, counts.requests), (100, 7, 1));
    assert_eq!(sandbox.events_of("u-3")[0].attributes["number"], 3);
}

#[tokio::test]
async fn failures_are_tried_again_and_nothing_comes_twice() {
    let faults = with([
        Fault::Status(500),
        Fault::HangUp,
        Fault::Status(503),
        Fault::Status(408),
    ]);
    let sandbox = sandbox(faults).await;
    let (told, _) = deliver(&sandbox, some(50)).await;
    assert_eq!(labels(&told), ["500", "no answer", "503", "408", "200"]);
    assert!(outcomes(&told).iter().all(|(_, s)| *s
        == Settled::Delivered {
            first_attempt: false
        }));
    let counts = sandbox.counts();
    assert_eq!(
        (counts.events, counts.duplicates),
        (50, 50),
        "the hang-up had taken them: their ids made the retry harmless"
    );
}

#[tokio::test]
async fn throttling_waits_as_long_as_it_is_told() {
    let mut faults = with([Fault::Status(429)]);
    faults.retry_after = Some("1".to_owned());
    let sandbox = sandbox(faults).await;
    let started = std::time::Instant::now();
    let (told, _) = deliver(&sandbox, some(5)).await;
    assert_eq!(labels(&told), ["429", "200"]);
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn attempts_that_are_used_up_expire_and_say_why() {
    let sandbox = sandbox(Faults {
        fail_share: 1.0,
        ..Faults::default()
    })
    .await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.attempts = 3;
    let bench = Bench::new(&settings);
    bench.send(some(4)).await;
    let (told, left) = bench.finish().await;
    assert!(left.is_empty());
    assert_eq!(labels(&told), ["500", "500", "500"]);
    for (_, settled) in outcomes(&told) {
        assert!(
            matches!(settled, Settled::Undelivered { why: Undelivered::Expired, ref reason, .. } if reason.starts_with("3 attempts, the last: 500")),
            "{settled:?}"
        );
    }
}

#[tokio::test]
async fn one_poison_in_a_batch_is_found_and_the_others_arrive() {
    let sandbox = sandbox(Faults {
        poison: Some("\"number\":617}".to_owned()),
        ..Faults::default()
    })
    .await;
    let (told, _) = deliver(&sandbox, some(1_000)).await;
    let undelivered: Vec<u64> = outcomes(&told)
        .into_iter()
        .filter(|(_, s)| matches!(s, Settled::Undelivered { .. }))
        .map(|(n, _)| n)
        .collect();
    assert_eq!(undelivered, [617]);
    assert_eq!(sandbox.counts().events, 999);
}

#[tokio::test]
async fn a_batch_that_is_partly_refused_is_settled_item_by_item() {
    let sandbox = sandbox(Faults::default()).await;
    let mut items = some(10);
    // Past our own limits on purpose: the sandbox checks for itself.
    items[4] = queued(4, &event(&"x".repeat(151), 4));
    let (told, _) = deliver(&sandbox, items).await;
    assert_eq!(labels(&told), ["207"]);
    let all = outcomes(&told);
    assert!(
        matches!(&all[4].1, Settled::Undelivered { why: Undelivered::Discarded, reason, field }
        if reason.contains("150 bytes") && field == "identifiers.id")
    );
    assert_eq!(sandbox.counts().events, 9);
}

#[tokio::test]
async fn a_413_is_halved_until_it_fits() {
    let sandbox = sandbox(with([Fault::Status(413), Fault::Status(413)])).await;
    let (told, _) = deliver(&sandbox, some(8)).await;
    assert_eq!(labels(&told), ["413", "413", "200", "200", "200"]);
    let told_of_first = told
        .iter()
        .flat_map(|a| &a.settled)
        .filter(|(q, _)| q.sequence == 0)
        .count();
    assert_eq!(
        told_of_first, 3,
        "its story has both refusals and the delivery"
    );
    assert!(all_delivered(&told, 8));
}

#[tokio::test]
async fn refused_credentials_halt_delivery_and_lose_nothing() {
    let sandbox = sandbox(with([Fault::Status(401)])).await;
    let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
    bench.send(some(30)).await;
    let standing = bench.standing.clone();
    until("delivery is halted", || standing.borrow().halted.is_some()).await;
    assert!(
        standing
            .borrow()
            .halted
            .as_ref()
            .unwrap()
            .contains("check site ID, API key and region")
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(
        sandbox.counts().events,
        0,
        "nothing is tried until someone says so"
    );
    bench.control.send(Control::Resume).await.unwrap();
    let (told, left) = bench.finish().await;
    assert!(all_delivered(&told, 30) && left.is_empty());
}

#[tokio::test]
async fn an_unreachable_server_is_waited_for_and_what_is_left_is_handed_back() {
    let mut settings = settings("ws://unused", &format!("http://{}", nowhere()));
    settings.delivery.attempts = 1_000;
    let bench = Bench::new(&settings);
    bench.send(some(3)).await;
    let standing = bench.standing.clone();
    until("it waits for another attempt", || {
        standing.borrow().retrying == 3
    })
    .await;
    bench.control.send(Control::GiveUp).await.unwrap();
    let (told, left) = bench.finish().await;
    assert!(
        told[0].attempt.message.contains("no connection"),
        "{:?}",
        told[0].attempt
    );
    assert_eq!(left.len(), 3);
}

#[tokio::test]
async fn a_large_event_goes_by_v1_between_its_neighbours() {
    let sandbox = sandbox(Faults::default()).await;
    let large = event("u/ü 1", 1).replace(
        r#""number":1"#,
        &format!(r#""number":1,"text":"{}""#, "y".repeat(60_000)),
    );
    let items = vec![
        queued(0, &event("u/ü 1", 0)),
        queued(1, &large),
        queued(2, &event("u/ü 1", 2)),
    ];
    let (told, _) = deliver(&sandbox, items).await;
    assert!(all_delivered(&told, 3));
    let numbers: Vec<_> = sandbox
        .events_of("u/ü 1")
        .iter()
        .map(|e| e.attributes["number"].clone())
        .collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(told.len(), 3, "three requests: batch, v1, batch");
}

#[tokio::test]
async fn the_order_of_each_person_survives_failures() {
    let faults = Faults {
        fail_share: 0.2,
        hang_up_share: 0.1,
        throttle_share: 0.1,
        retry_after: Some("0".to_owned()),
        ..Faults::default()
    };
    let sandbox = sandbox(faults).await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.delivery.batch_bytes = 40_000;
    settings.delivery.attempts = 100;
    settings.delivery.requests_per_second = std::num::NonZeroU32::new(10_000).unwrap();
    let bench = Bench::new(&settings);
    for chunk in some(3_000).chunks(50) {
        bench.send(chunk.to_vec()).await;
    }
    let (told, _) = bench.finish().await;
    assert!(all_delivered(&told, 3_000));
    assert_eq!(sandbox.counts().events, 3_000);
    for person in sandbox.people() {
        let numbers: Vec<u64> = sandbox
            .events_of(&person)
            .iter()
            .filter_map(|e| e.attributes["number"].as_u64())
            .collect();
        assert!(numbers.is_sorted(), "{person}: {numbers:?}");
    }
}

#[tokio::test]
async fn the_region_look_up_is_skipped_where_a_server_is_named_and_wrong_credentials_are_told() {
    let sandbox = sandbox(Faults::default()).await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.customerio.api_key = "wrong".to_owned().into();
    let bench = Bench::new(&settings);
    bench.send(some(1)).await;
    let standing = bench.standing.clone();
    until("delivery is halted", || standing.borrow().halted.is_some()).await;
    assert!(standing.borrow().halted.as_ref().unwrap().contains("401"));
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_on_in_time_and_tried_again() {
    let sandbox = sandbox(with([Fault::Hang])).await;
    let mut settings = settings("ws://unused", &sandbox.url());
    settings.customerio.timeout = Duration::from_millis(200);
    let bench = Bench::new(&settings);
    bench.send(some(3)).await;
    let (told, _) = bench.finish().await;
    assert_eq!(labels(&told), ["no answer", "200"]);
    assert_eq!(told[0].attempt.message, "no answer in time");
    assert!(all_delivered(&told, 3));
}

#[tokio::test]
async fn retry_after_a_date_is_kept_too() {
    let mut faults = with([Fault::Status(503)]);
    let date = std::time::SystemTime::now() + Duration::from_secs(2);
    faults.retry_after = Some(httpdate::fmt_http_date(date));
    let sandbox = sandbox(faults).await;
    let started = std::time::Instant::now();
    let (told, _) = deliver(&sandbox, some(2)).await;
    assert_eq!(labels(&told), ["503", "200"]);
    // A date has whole seconds only.
    assert!(started.elapsed() >= Duration::from_millis(900));
}
