//! The hot path, stage by stage, on an event of 2 kB.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytestring::ByteString;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sluicegate::amplitude::{Event, Reading, frame, time};
use sluicegate::config::Settings;
use sluicegate::customerio::Mapping;
use sluicegate::delivery::spool::Spool;
use sluicegate::delivery::{Accepted, Part};
use sluicegate::feed::traffic::Traffic;
use sluicegate::filter::preview::{Batching, Comparison, PreviewBuilder};
use sluicegate::filter::{Filters, Gate, Mode, Rule, RuleEffect, SharedGate};
use sluicegate::limits::{Policies, Subject, check};
use sluicegate::pipeline::{Judge, JudgeRules};
use sluicegate::telemetry::ring::SharedRing;
use sluicegate::tui::events::find::Find;
use sluicegate::tui::events::finder::Finder;
use sluicegate::tui::events::list::EventList;
use sluicegate::tui::events::page::Anchor;
use sluicegate::tui::filters::preview::query;

/// An Export event of 2 kB, as real ones are.
#[expect(clippy::format_collect, reason = "made once")]
fn text() -> ByteString {
    let properties: String = (0..24)
        .map(|n| format!(r#","property_{n}":"value {n} of some length""#))
        .collect();
    let users: String = (0..14).map(|n| format!(r#","trait_{n}":{n}.5"#)).collect();
    format!(
        r#"{{"$insert_id":"5230-95E5","uuid":"4ef72ccd-80a6-905e-155a-8b31f4da4377","amplitude_id":1262000288438,"app":100001,"city":"Kuala Lumpur","client_event_time":"2026-11-20 03:37:52.846000","country":"Malaysia","data":{{"path":"/2/httpapi","group_ids":{{}}}},"device_id":"6401652F-4D55-061A","event_id":236,"event_properties":{{"price":12.5{properties}}},"event_time":"2026-11-20 03:37:52.846000","event_type":"Purchase Completed","group_properties":{{}},"groups":{{}},"ip_address":"203.0.113.7","language":"English","library":"amplitude-swift/1.13.6","os_name":"ios","os_version":"18.5","paying":null,"platform":"iOS","session_id":1751254640623,"user_id":"61e995ab-1da2","user_properties":{{"plan":"pro"{users}}},"version_name":"1.0.81"}}"#
    )
    .into()
}

fn event(text: &ByteString) -> Event {
    let mut found = None;
    frame::decode(text, time::now(), "message_id", |one| found = one.ok());
    found.expect("the text is an event")
}

/// Rules that all reach their end: hardly an event is held back.
fn filters(rules: usize) -> Filters {
    let conditions = [
        r#"user_id.startsWith("staff")"#,
        r"event_properties.price > 1000.0",
        r#"user_properties.plan == "free""#,
        r#"country == "Atlantis" && platform == "Web""#,
    ];
    let rule = |n: usize| {
        let when = conditions[n % conditions.len()];
        Rule::new(format!("rule {n}"), RuleEffect::Exclude, when)
    };
    Filters {
        rules: (0..rules).map(rule).collect(),
        ..Filters::default()
    }
}

fn gate(rules: usize) -> Gate {
    Gate::new(Mode::Open, filters(rules)).expect("the rules compile")
}

fn judge(rules: usize, settings: &Settings) -> Judge {
    let judge_rules = Arc::new(ArcSwap::from_pointee(JudgeRules::of(settings)));
    Judge::new(SharedGate::new(gate(rules)), judge_rules, settings)
}

/// What a commit makes durable at full speed: 500 items, appended, read back, settled.
fn spool(c: &mut Criterion) {
    const ITEMS: usize = 500;
    let folder = tempfile::tempdir().expect("there is room for a spool");
    let mut spool = Spool::open(folder.path()).expect("the folder is new");
    let event = event(&text());
    let item = Mapping::default()
        .map(&Reading::new(&event), Vec::new())
        .item()
        .expect("it has a person and a time");
    let accepted = Accepted {
        item,
        sequence: 1,
        part: Part::Event,
        event_type: "Purchase Completed".into(),
        happened_ms: 0,
        received_ms: 0,
        origin: None,
    };
    let mut group = c.benchmark_group("spool");
    group.throughput(Throughput::Elements(ITEMS as u64));
    group.bench_function("commit 500 items and remove them", |b| {
        b.iter(|| {
            spool.append(vec![accepted.clone(); ITEMS]);
            let done = spool.commit(0, false).expect("the disk has room");
            spool.settle(done.items.into_iter().map(|queued| queued.position));
        });
    });
    spool.append(vec![accepted; ITEMS]);
    let chunk = spool.commit(0, true).expect("the disk has room").chunk;
    group.bench_function("read 500 items back", |b| {
        b.iter(|| spool.load(chunk - 1, 1, 0).expect("it can be read"));
    });
    group.finish();
}

fn stages(c: &mut Criterion) {
    let text = text();
    let mut group = c.benchmark_group("event");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse", |b| b.iter(|| event(black_box(&text))));
    let event = event(&text);
    let mapping = Mapping::default();
    group.bench_function("map", |b| {
        b.iter(|| {
            let reading = Reading::new(&event);
            mapping.map(&reading, Vec::with_capacity(4_096)).into_item()
        });
    });
    group.bench_function("limits", |b| {
        let policies = Policies::default();
        b.iter(|| {
            let reading = Reading::new(&event);
            let mapped = mapping.map(&reading, Vec::with_capacity(2_048));
            let subject = Subject::new(&reading, &mapped, &mapping, event.received_ms());
            check(&subject, &policies)
        });
    });
    for rules in [0, 5, 20] {
        let gate = gate(rules);
        group.bench_function(format!("gate with {rules} rules"), |b| {
            b.iter(|| gate.blocked_by(&Reading::new(&event), "Purchase Completed", false));
        });
    }
    group.bench_function("judge: limits, gate, mapping", |b| {
        let mut settings = Settings::default();
        settings.limits.set(
            sluicegate::limits::Code::Duplicate,
            sluicegate::limits::Policy::Off,
        );
        let mut judge = judge(5, &settings);
        b.iter_batched(
            || (event.clone(), Vec::with_capacity(1)),
            |(event, mut items)| (judge.judge(event, &mut items), items),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// A number of events of the demonstration's traffic, in a ring that holds them all.
fn traffic(count: usize) -> SharedRing {
    let ring = SharedRing::new(512 << 20);
    let mut judge = judge(5, &Settings::default());
    let mut traffic = Traffic::new(1);
    for _ in 0..count {
        frame::decode(
            &traffic.next(time::now()).into(),
            time::now(),
            "message_id",
            |one| {
                if let Ok(event) = one {
                    let record = judge.judge(event, &mut Vec::new());
                    ring.lock().extend([record]);
                }
            },
        );
    }
    ring
}

/// A search among 20,000 events.
fn find(c: &mut Criterion) {
    let ring = traffic(20_000);
    let mut group = c.benchmark_group("find");
    group
        .sample_size(20)
        .bench_function("a text among 20,000 events", |b| {
            let find = Find::parse("u-00007");
            b.iter(|| {
                let mut finder = Finder::new(ring.clone());
                finder.set(&EventList::All, find.as_ref(), false);
                while !finder.page(Anchor::Newest, 0, 1, &BTreeSet::new()).complete {
                    finder.search();
                }
                finder.page(Anchor::Newest, 0, 1, &BTreeSet::new()).matched
            });
        });
    group.finish();
}

/// A draft that changes one of so many rules is measured on 50,000 events.
fn preview(c: &mut Criterion) {
    let ring = traffic(50_000);
    let mut group = c.benchmark_group("preview of 50,000 events");
    group.sample_size(10);
    for rules in [1, 5] {
        let before = filters(rules);
        let mut after = before.clone();
        after.rules[0].when = r#"user_properties.plan == "pro""#.to_owned();
        group.bench_function(format!("{rules} rules"), |b| {
            b.iter(|| {
                let comparison = Comparison::new(&before, &after).expect("the rules compile");
                let batching = Batching {
                    age: Duration::from_millis(250),
                    bytes: 500_000,
                };
                let mut previewing = PreviewBuilder::new(comparison, batching, false, 50_000);
                let mut last = None;
                query::make(&ring, &mut previewing, &AtomicBool::new(false), |shown| {
                    last = Some(shown);
                    true
                });
                last
            });
        });
    }
    group.finish();
}

criterion_group!(benches, stages, spool, find, preview);
criterion_main!(benches);
