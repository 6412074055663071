//! Answers that are not Customer.io's, or can't be read: over real sockets, nothing counts as
//! delivered or refused that isn't.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/bench.rs"]
mod bench;
mod common;
#[path = "common/program.rs"]
mod program;
#[path = "common/stub.rs"]
mod stub;

use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, accepted, all_delivered, labels, outcomes, some};
use common::{event, numbers_of, sandbox, settings, until};
use sluicegate::config::Settings;
use sluicegate::customerio::Client;
use sluicegate::customerio::sandbox::{Fault, Faults};
use sluicegate::delivery::BreakerState as Breaker;
use sluicegate::delivery::spool::dead_letters::{DeadLetterSelection, DeadLetters};
use sluicegate::delivery::{Control, DeliveryReport, ItemOutcome, Undelivered};
use stub::{Canned, Stub};

const PAGE: &str = "<!DOCTYPE html>\n<html><title>Sign in\u{1b}[31m to the network</title></html>";

/// Settings towards `url` whose attempts would be used up at once, were they counted.
fn impatient(url: &str) -> Settings {
    let mut settings = settings("ws://unused", url);
    settings.delivery.attempts = 4;
    settings.delivery.breaker_failures = 3;
    settings.delivery.give_up_after = Duration::from_millis(500);
    settings
}

/// Waits until delivery says why it can't go on; whether it is halted, and what it says.
async fn told_of(bench: &Bench) -> (bool, String) {
    let status = bench.status.clone();
    until("the breaker opens", || {
        status.borrow().breaker != Breaker::Closed
    })
    .await;
    let breaker = status.borrow().breaker.clone();
    let halted = matches!(breaker, Breaker::Refused { .. });
    (halted, breaker.why().unwrap().to_owned())
}

/// A server that answers everything so: all is kept for longer than any attempt may take, no
/// attempt is used up, and once Customer.io is there again everything arrives.
async fn is_outlived(answer: Canned) -> (bool, String) {
    let sandbox = sandbox(Faults::default()).await;
    let stranger = Stub::choosing(move |_| Some(answer.clone())).await;
    let bench = Bench::new(&impatient(&stranger.url));
    bench.send(some(50));
    let told = told_of(&bench).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(bench.spooled(), 50, "all are kept");
    let destination = settings("ws://unused", &sandbox.url()).destination();
    let client = Arc::new(Client::new(destination.unwrap()).unwrap());
    bench.control.send(Control::Client(client)).await.unwrap();
    // A halted delivery that is told to end would end at once, maybe before it hears of this.
    until("all arrive", || sandbox.counts().events == 50).await;
    let (answers, left) = bench.finish().await;
    assert!(all_delivered(&answers, 50) && left == 0, "{told:?}");
    let delivered = answers.iter().filter(|a| a.attempt.answer == "200");
    let histories = delivered.flat_map(|a| &a.outcomes).map(|(q, _)| q.history);
    assert!(histories.clone().all(|h| h.failures == 0), "{told:?}");
    assert_eq!((histories.count(), sandbox.counts().events), (50, 50));
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_server_answers_is_no_delivery_and_no_refusal() {
    let named = r#"{"errors":[{"batch_index":0,"reason":"invalid","field":"","message":""}]}"#;
    let answers = [
        Canned::new(200, PAGE).with("content-type", "text/html"),
        Canned::new(200, "OK"),
        Canned::new(200, "[]"),
        Canned::new(200, "null"),
        Canned::new(200, "{\"batch\":"),
        Canned::new(200, named),
        Canned::new(200, r#"{"error":"no"}"#),
        Canned::new(200, "").with("content-type", "text/html"),
        Canned::new(201, "{}"),
        Canned::new(202, ""),
        Canned::new(204, ""),
        Canned::new(206, "{}"),
        Canned::new(207, PAGE),
        Canned::new(302, "").with("location", "https://u:p@portal.example/in?key=secret"),
        Canned::new(400, PAGE),
        Canned::new(404, ""),
        Canned::new(413, PAGE).with("content-type", "text/html"),
        Canned::new(422, "no"),
        Canned::new(511, PAGE),
    ];
    let outlived = answers.map(|answer| async move {
        let status = answer.status;
        (status, is_outlived(answer).await)
    });
    for (status, (halted, why)) in futures_util::future::join_all(outlived).await {
        assert!(!halted, "{why}");
        assert!(why.starts_with("another server answers: "), "{why}");
        assert!(why.contains(&format!("({status}); ")), "{why}");
        assert!(!why.contains(char::is_control), "{why:?}");
        assert!(!why.contains("secret") && !why.contains("u:p"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_is_told_as_such_and_asked_again() {
    let answers = [
        Canned::new(403, "<h1>No!</h1>").with("content-type", "text/html"),
        Canned::new(401, "<html>denied</html>"),
        Canned::new(403, "").with("via", "1.1 corp"),
        Canned::new(401, "").with("proxy-authenticate", "Basic"),
        Canned::new(407, "").with("proxy-authenticate", "Basic"),
    ];
    let outlived = answers.map(|answer| async move {
        let status = answer.status;
        (status, is_outlived(answer).await)
    });
    for (status, (halted, why)) in futures_util::future::join_all(outlived).await {
        assert!(!halted, "{why}");
        assert!(why.starts_with("a proxy refuses: "), "{why}");
        assert!(!why.contains("credentials"), "{why}");
        let hint = if status == 407 {
            "user name"
        } else {
            "NO_PROXY"
        };
        assert!(why.contains(hint), "{why}");
    }
    let own = Canned::new(403, r#"{"meta":{"error":"no access"}}"#).with("via", "1.1 google");
    let (halted, why) = is_outlived(own).await;
    assert!(halted && why.contains("403 (no access)"), "{why}");
}

#[tokio::test]
async fn a_network_that_asks_for_a_sign_in_meanwhile_costs_no_event() {
    let sandbox = sandbox(Faults::default()).await;
    let mut settings = impatient(&sandbox.url());
    settings.delivery.in_flight = 1;
    let bench = Bench::new(&settings);
    bench.send(some(10));
    until("they arrive", || sandbox.counts().events == 10).await;
    sandbox.set_faults(Faults {
        sign_in_share: 1.0,
        ..Faults::default()
    });
    bench.send((10..30).map(|n| accepted(n, &event("u", n))).collect());
    let (_, why) = told_of(&bench).await;
    assert!(
        why.starts_with("another server answers: <html><title>Sign in to the network"),
        "{why}"
    );
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!((bench.spooled(), sandbox.counts().events), (20, 10));
    sandbox.set_faults(Faults::default());
    let (told, left) = bench.finish().await;
    assert!(all_delivered(&told, 30) && left == 0);
}

#[tokio::test]
async fn a_request_that_only_something_on_the_way_refuses_does_not_end_delivery() {
    let blocked = |body: &str| {
        let page = Canned::new(403, "<html>blocked</html>");
        body.contains("\"number\":17}").then_some(page)
    };
    let firewall = Stub::choosing(blocked).await;
    let mut settings = settings("ws://unused", &firewall.url);
    // Others are answered between two of its attempts, however slow the machine.
    settings.delivery.first_delay = Duration::from_millis(100);
    settings.delivery.longest_delay = Duration::from_millis(200);
    let bench = Bench::new(&settings);
    bench.send(vec![accepted(1_000, &event("first", 1_000))]);
    until("the first arrives", || firewall.taken().len() == 1).await;
    let items = (0..100).map(|n| accepted(n, &event(&format!("u-{n}"), n)));
    bench.send(items.collect());
    let mut more = 1_000;
    let published = bench.spool.published();
    until("it has expired, while others get through", || {
        more += 1;
        bench.send(vec![accepted(more, &event("u-more", more))]);
        published.borrow().status.dead_letters == 1
    })
    .await;
    let (told, left) = bench.finish().await;
    let undelivered: Vec<_> = outcomes(&told)
        .into_iter()
        .filter(|(_, settled)| !matches!(settled, ItemOutcome::Delivered { .. }))
        .collect();
    assert!(
        matches!(&undelivered[..], [(17, ItemOutcome::Undelivered { why: Undelivered::Expired, reason, .. })]
            if reason.ends_with("the last: a proxy refuses: <html>blocked</html> (403)")),
        "{undelivered:?}"
    );
    assert_eq!(left, 0);
    let mut taken = firewall.taken();
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len() as u64, 99 + 1 + (more - 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_207_that_can_not_be_matched_fails_nobody_and_is_tried_again() {
    let twice = r#"{"batch_index":1,"reason":"invalid"}"#;
    let answers = [
        r#"{"errors":[{"reason":"invalid","field":"name","message":"no"}]}"#.to_owned(),
        r#"{"errors":[{"batch_index":3,"reason":"invalid"}]}"#.to_owned(),
        r#"{"errors":[{"batch_index":-1,"reason":"invalid"}]}"#.to_owned(),
        r#"{"errors":[{"batch_index":"1","reason":"invalid"}]}"#.to_owned(),
        r#"{"errors":[{"batch_index":1.5,"reason":"invalid"}]}"#.to_owned(),
        r#"{"errors":[{"batch_index":0},{"batch_index":9}]}"#.to_owned(),
        format!(r#"{{"errors":[{twice},{twice}]}}"#),
        r#"{"errors":"no"}"#.to_owned(),
        "{}".to_owned(),
        String::new(),
        "<html>".to_owned(),
        "not JSON".to_owned(),
    ];
    let settled = answers.map(|body| async move {
        let stub = Stub::scripted([Canned::new(207, &body), Canned::new(207, &body)]).await;
        let bench = Bench::new(&settings("ws://unused", &stub.url));
        bench.send(some(3));
        let (told, left) = bench.finish().await;
        let first = labels(&told)[0];
        let expected = ["unreadable 207", "another server"];
        assert!(expected.contains(&first), "{body}: {first}");
        assert!(all_delivered(&told, 3) && left == 0, "{body}: {told:?}");
        let mut taken = stub.taken();
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2], "{body}");
    });
    futures_util::future::join_all(settled).await;
}

#[tokio::test]
async fn a_207_that_never_can_be_matched_is_split_until_one_item_stands_alone() {
    let bad = |body: &str| {
        let answer = Canned::new(
            207,
            r#"{"errors":[{"batch_index":99999,"reason":"invalid"}]}"#,
        );
        body.contains("\"number\":617}").then_some(answer)
    };
    let stub = Stub::choosing(bad).await;
    let mut settings = settings("ws://unused", &stub.url);
    settings.delivery.first_delay = Duration::from_millis(2);
    settings.delivery.longest_delay = Duration::from_millis(5);
    let bench = Bench::new(&settings);
    let items = (0..1_000).map(|n| accepted(n, &event(&format!("u-{n}"), n)));
    bench.send(items.collect());
    let (mut more, published) = (1_000, bench.spool.published());
    until("all others have arrived, and it has expired", || {
        more += 1;
        bench.send(vec![accepted(more, &event("u-more", more))]);
        published.borrow().status.dead_letters == 1
    })
    .await;
    let (told, left) = bench.finish().await;
    let undelivered: Vec<_> = outcomes(&told)
        .into_iter()
        .filter(|(_, settled)| !matches!(settled, ItemOutcome::Delivered { .. }))
        .collect();
    assert!(
        matches!(&undelivered[..], [(617, ItemOutcome::Undelivered { why: Undelivered::Expired, reason, .. })]
            if reason.ends_with("batch_index 99999 in a batch of 1")),
        "{undelivered:?}"
    );
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_unreadable_207_of_a_handled_request_doubles_nothing() {
    let faults = Faults {
        script: [Fault::Unreadable, Fault::Unreadable].into(),
        ..Faults::default()
    };
    let sandbox = sandbox(faults).await;
    let bench = Bench::new(&settings("ws://unused", &sandbox.url()));
    bench.send((0..5).map(|n| accepted(n, &event("u", n))).collect());
    let (told, left) = bench.finish().await;
    assert!(all_delivered(&told, 5) && left == 0);
    assert_eq!(labels(&told)[..2], ["unreadable 207", "unreadable 207"]);
    assert_eq!(numbers_of(&sandbox, "u"), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_dead_letter_tells_the_same_after_a_207_and_a_400() {
    let fault =
        r#"{"batch_index":1,"reason":"invalid","field":"attributes.plan","message":"too long"}"#;
    let other =
        r#"{"batch_index":1,"reason":"required","field":"name","message":"name is required"}"#;
    let by_v1 = event("v1", 9).replace(
        r#""number":9"#,
        &format!(r#""number":9,"text":"{}""#, "y".repeat(60_000)),
    );
    let cases = [
        (207, format!(r#"{{"errors":[{fault}]}}"#), some(2)),
        (400, format!(r#"{{"errors":[{fault}]}}"#), some(1)),
        (207, format!(r#"{{"errors":[{fault},{other}]}}"#), some(2)),
        (400, format!(r#"{{"errors":[{fault},{other}]}}"#), some(1)),
        (
            400,
            r#"{"meta":{"errors":["too long"]}}"#.to_owned(),
            vec![accepted(9, &by_v1)],
        ),
        (400, r#"{"meta":{"error":"too long"}}"#.to_owned(), some(1)),
    ];
    let mut letters = Vec::new();
    for (status, body, items) in cases {
        let stub = Stub::scripted([Canned::new(status, &body)]).await;
        let bench = Bench::new(&settings("ws://unused", &stub.url));
        bench.send(items);
        let folder = bench.folder.clone();
        let (_, left) = bench.finish().await;
        assert_eq!(left, 0);
        let spool = DeadLetters::open(folder.path()).unwrap().unwrap();
        let page = spool.page(&DeadLetterSelection::All, 0, 10).unwrap();
        let [letter] = &page[..] else {
            panic!("{status} {body}: {page:?}")
        };
        letters.push((
            letter.reason.clone(),
            letter.field.clone(),
            letter.message.clone(),
        ));
    }
    let same = |reason: &str, field: &str, message: &str| {
        (reason.to_owned(), field.to_owned(), message.to_owned())
    };
    let one = same("invalid: too long", "attributes.plan", "too long");
    let both = same(
        "invalid, required: too long; name is required",
        "attributes.plan, name",
        "too long; name is required",
    );
    let by_v1 = same("too long", "", "too long");
    let expected = [one.clone(), one, both.clone(), both, by_v1.clone(), by_v1];
    assert_eq!(letters, expected);
}

#[tokio::test]
async fn the_text_of_an_answer_is_cut_and_shared_by_the_events_of_its_request() {
    let long = format!("down\u{1b}[31m {}", "x".repeat(1 << 20));
    let stub = Stub::scripted([
        Canned::new(503, &long),
        Canned::new(
            503,
            &format!(r#"{{"meta":{{"errors":["{}"]}}}}"#, "y".repeat(900_000)),
        ),
    ])
    .await;
    let bench = Bench::new(&settings("ws://unused", &stub.url));
    bench.send(some(500));
    let (told, _) = bench.finish().await;
    assert!(all_delivered(&told, 500));
    for DeliveryReport { attempt, .. } in &told {
        let length = attempt.message.chars().count();
        assert!(length <= 300, "{length}");
        assert!(!attempt.message.contains(char::is_control));
    }
    assert!(told[0].attempt.message.starts_with("down"), "{told:?}");
}

/// The program itself, towards a network that asks for a sign-in.
#[test]
fn the_program_tells_of_a_sign_in_page_and_keeps_everything() {
    let file = tempfile::NamedTempFile::with_suffix(".ndjson").unwrap();
    let events: Vec<String> = (0..20).map(|n| event(&format!("u-{n}"), n)).collect();
    std::fs::write(file.path(), events.join("\n")).unwrap();
    for (fault, says) in [
        (
            "--sign-in-share",
            "another server answers: <html><title>Sign in to the network",
        ),
        (
            "--proxy-share",
            "a proxy refuses: <html><title>Access denied",
        ),
    ] {
        let feed = program::replay(file.path(), &[]);
        let sandbox = program::sandbox(&[fault, "1"]);
        let output = program::run_on(&feed.url, &sandbox.url)
            .env("SLUICEGATE_DELIVERY_DRAIN", "1s")
            .args(["--for", "3s"])
            .output()
            .unwrap();
        let summary = program::summary(&output);
        assert_eq!(summary["totals"]["delivered"], 0, "{summary}");
        assert_eq!(summary["left"], 20, "{summary}");
        assert_eq!(output.status.code(), Some(1), "{summary}");
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(log.contains(says), "{log}");
        assert!(log.contains("all events are kept"), "{log}");
        assert!(summary["breaker"].to_string().contains(says), "{summary}");
    }
}
