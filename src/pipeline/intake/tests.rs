use arc_swap::ArcSwap;
use bytestring::ByteString;
use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::*;
use crate::amplitude::{Event, frame};
use crate::config::Settings;
use crate::delivery::spool::Spool;
use crate::delivery::spool::writer::{self, SpoolEvent};
use crate::feed::Frame;
use crate::filter::{Gate, Mode, Rule, RuleEffect, SharedGate};
use crate::pipeline::judge_rules::JudgeRules;
use crate::protocol::Record;

const RECEIVED_MS: i64 = 1_800_000_000_000;
const ID_FIELD: &str = "message_id";

/// The settings of a run, in which everything depends on the events before or on chance.
fn settings() -> Settings {
    let mut settings = Settings {
        gate: Mode::Open,
        ..Settings::default()
    };
    settings.mapping.send_users = true;
    let mut sampled = Rule::new(
        "some",
        RuleEffect::Exclude,
        r#"user_properties.plan == "plan-1""#,
    );
    sampled.sample = 50.0;
    let staff = Rule::new("staff", RuleEffect::Exclude, r#"user_id == "user-2""#);
    settings.rules = vec![sampled, staff];
    settings.types.insert("off".to_owned(), false.into());
    settings
}

fn judge(settings: &Settings) -> Judge {
    let gate = Gate::new(settings.gate, settings.filters()).unwrap();
    let rules = Arc::new(ArcSwap::from_pointee(JudgeRules::of(settings)));
    Judge::new(SharedGate::new(gate), rules, settings)
}

/// What is compared: everything of a record, and of what is sent.
type Outcome = (Vec<String>, Vec<String>);

fn record(record: &Record) -> String {
    let text = record.event().map(Event::text);
    format!("{} {text:?} {:?}", record.sequence, record.story)
}

fn item(accepted: &Accepted) -> String {
    format!("{accepted:?}")
}

/// One event after the other, as they come.
fn in_sequence(texts: &[String]) -> Outcome {
    let mut judge = judge(&settings());
    let (mut records, mut items) = (Vec::new(), Vec::new());
    for text in texts {
        let text = ByteString::from(text.as_str());
        frame::decode(&text, RECEIVED_MS, ID_FIELD, |found| {
            let judged = match found {
                Ok(event) => judge.judge(event, &mut items),
                Err(malformed) => judge.malformed(malformed, ByteString::new(), RECEIVED_MS),
            };
            records.push(record(&judged));
        });
    }
    (records, items.iter().map(item).collect())
}

/// The outcome of intake with this many tasks, and the last message that is safe.
fn by_intake(batches: &[Vec<String>], max_tasks: usize) -> (Outcome, Option<MessageId>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(batches, max_tasks))
}

async fn run(batches: &[Vec<String>], max_tasks: usize) -> (Outcome, Option<MessageId>) {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings();
    let (events, committed) = mpsc::channel(64);
    let (notices, _notices) = mpsc::unbounded_channel();
    let spool = Spool::open(folder.path()).unwrap();
    let (feed, told) = ("feed".to_owned(), notices.clone());
    let spool = writer::start(spool, settings.spool(), feed, events, told).unwrap();
    let (reports, reported) = mpsc::channel(64);
    let safe = watch::Sender::new(None);
    let outputs = IntakeOutputs {
        spool: spool.clone(),
        reports,
        received: watch::Sender::new(None),
        safe: safe.clone(),
    };
    let failure = Failure::new(notices);
    let mut intake = Intake::new(judge(&settings), outputs, ID_FIELD.into(), failure);
    intake.max_tasks = max_tasks;
    let (to_intake, frames) = mpsc::channel(64);
    let running = tokio::spawn(intake.run(frames, CancellationToken::new()));
    let memory = Arc::new(Semaphore::new(1_000));
    for batch in batches {
        let permit = memory.clone().try_acquire_owned().unwrap();
        to_intake.send(frames_of(batch, permit)).await.unwrap();
    }
    drop(to_intake);
    let outcome = tokio::join!(all_records(reported), all_items(committed));
    running.await.unwrap();
    let closing = tokio::task::spawn_blocking(move || spool.close());
    assert_eq!(closing.await.unwrap(), 0, "all is written");
    assert_eq!(memory.available_permits(), 1_000, "all room is given back");
    let safe = safe.borrow().clone();
    (outcome, safe)
}

fn frames_of(texts: &[String], permit: OwnedSemaphorePermit) -> Frames {
    let frame = |text: &String| Frame {
        text: Ok(text.as_str().into()),
        received_ms: RECEIVED_MS,
        resumed: false,
        origin: None,
    };
    Frames {
        frames: texts.iter().map(frame).collect(),
        permit,
    }
}

async fn all_records(mut reported: mpsc::Receiver<IntakeReport>) -> Vec<String> {
    let mut records = Vec::new();
    while let Some(report) = reported.recv().await {
        records.extend(report.records.iter().map(record));
    }
    records
}

async fn all_items(mut committed: mpsc::Receiver<SpoolEvent>) -> Vec<String> {
    let mut items = Vec::new();
    while let Some(event) = committed.recv().await {
        match event {
            SpoolEvent::Committed { items: new, .. } => {
                items.extend(new.iter().map(|queued| item(&queued.accepted)));
            }
            SpoolEvent::Loaded { .. } => {}
            SpoolEvent::Ended => break,
        }
    }
    items
}

/// A frame: an event of a few, so that many are repeated, or several, or damaged text.
fn frame_text() -> impl Strategy<Value = String> {
    let padding = prop_oneof![3 => 0_usize..200, 2 => 3_000_usize..12_000];
    let event = (0..4_u8, 0..4_u8, 0..6_u8, 0..3_u8, 0..40_u32, padding).prop_map(
        |(user, kind, insert, plan, message, padding)| {
            let kind = ["a", "b", "off", "$identify"][usize::from(kind)];
            let padding = "x".repeat(padding);
            format!(
                r#"{{"event_type":"{kind}","user_id":"user-{user}","insert_id":"{insert}","time":1799999999000,"message_id":"m-{message}","event_properties":{{"note":"{padding}"}},"user_properties":{{"plan":"plan-{plan}"}}}}"#
            )
        },
    );
    prop_oneof![
        6 => event.clone(),
        1 => proptest::collection::vec(event.clone(), 0..8).prop_map(|all| format!("[{}]", all.join(","))),
        1 => event.prop_map(|event| event[..event.len() / 2].to_owned()),
        1 => Just(r#"{"event_type":"a"} no json {"user_id":"user-1"}"#.to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Duplicates, samples, identifies and each person's order don't depend on how many tasks work.
    #[test]
    fn several_tasks_judge_as_one_does(
        batches in proptest::collection::vec(proptest::collection::vec(frame_text(), 1..12), 1..20),
    ) {
        let texts: Vec<String> = batches.concat();
        let expected = in_sequence(&texts);
        let (by_one, safe) = by_intake(&batches, 1);
        prop_assert_eq!(&by_one, &expected);
        let (by_many, also_safe) = by_intake(&batches, 4);
        prop_assert_eq!(&by_many, &expected);
        prop_assert_eq!(safe, also_safe);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_while_events_are_assessed_is_one_of_intake() {
    let mut tasks = VecDeque::from([
        DecodingTask::start(|_| async {}),
        DecodingTask::start(|_| async { panic!("a fault") }),
    ]);
    let taking = tokio::spawn(async move { next_part(&mut tasks).await.is_some() });
    let panic = taking.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a fault"));
}

#[test]
fn a_large_frame_is_passed_on_in_parts() {
    let event = r#"{"event_type":"a","user_id":"u","time":1799999999000,"insert_id":"0"}"#;
    let text = format!("[{}]", vec![event; 10_000].join(","));
    let memory = Arc::new(Semaphore::new(1));
    let batch = frames_of(&[text], memory.clone().try_acquire_owned().unwrap());
    let criteria = judge(&settings()).criteria();
    let mut counts = Vec::new();
    for part in Decoding::new(vec![batch], criteria, ID_FIELD) {
        counts.push(part.elements.len());
        assert_eq!(memory.available_permits(), 0, "its room is taken");
    }
    assert!(counts.len() > 10, "{counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), 10_000);
    assert_eq!(memory.available_permits(), 1);
}

#[test]
fn the_time_that_a_reconnect_covers_is_reported() {
    let id = |ms: u64| {
        let stamp = uuid::Timestamp::from_unix(uuid::NoContext, ms / 1_000, 0);
        uuid::Uuid::new_v7(stamp).to_string()
    };
    let text = resumption(Some(&id(1_800_000_000_000)), Some(&id(1_800_000_090_000)));
    assert_eq!(
        text,
        "feed resumed: 2 min lie between the last message and the next"
    );
    assert!(resumption(None, Some("7")).contains("no message ids"));
}
