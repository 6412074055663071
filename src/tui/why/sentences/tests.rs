use std::sync::Arc;

use super::*;
use crate::delivery::{Attempt, Undelivered};
use crate::limits::Code;
use crate::protocol::tests_support::record;
use crate::telemetry::ring::SharedRing;

const TEXT: &str = r#"{"event_type":"Purchase Completed","user_id":"u-1","insert_id":"i"}"#;

/// What is said of these events, each received as many seconds after 1970 as its number, a minute
/// after 1970.
fn said(asked: &str, stories: Vec<(Decision, Outcome)>, snapshot: Snapshot) -> Vec<String> {
    let ring = SharedRing::new(1 << 20);
    let attempt = Arc::new(Attempt {
        at_ms: 30_000,
        took_ms: 84,
        answer: "200".to_owned(),
        message: String::new(),
        items: 1,
    });
    let records = stories
        .into_iter()
        .zip(1..)
        .map(|((decision, outcome), n)| {
            let has_left = !matches!(
                outcome,
                Outcome::NotSent | Outcome::OnItsWay | Outcome::HandedOver | Outcome::DryRun
            );
            let mut record = record(n, TEXT, decision, outcome);
            record
                .story
                .attempts
                .extend(has_left.then(|| attempt.clone()));
            record
        });
    ring.lock().extend(records);
    let snapshot = Snapshot {
        at_ms: 61_000,
        ..snapshot
    };
    let answer = Answer::of(asked, &ring);
    let all = sentences(asked, &answer, &snapshot).into_iter();
    all.map(|sentence| sentence.text).collect()
}

fn accepted(outcome: Outcome) -> (Decision, Outcome) {
    (Decision::Accepted, outcome)
}

#[test]
fn an_answer_says_what_became_of_the_events_with_the_evidence() {
    let delivered = || accepted(Outcome::Delivered { took_ms: 90 });
    let code = Code::IdTooLong;
    let rejected = (Decision::Rejected { code }, Outcome::NotSent);
    assert_eq!(
        said(
            "u-1",
            vec![rejected, delivered(), delivered()],
            Snapshot::default()
        ),
        [
            "u-1 sent 3 events in the last 1 min: 2 delivered, 1 rejected by id_too_long.",
            "The last one left at 00:00:30 and Customer.io answered 200 after 84 ms.",
            "The newest that did not arrive came at 00:00:01 and was rejected by id_too_long: ",
        ]
    );
    assert_eq!(
        said("i", vec![delivered()], Snapshot::default()),
        [
            "Event i, Purchase Completed, came at 00:00:01: 1 delivered.",
            "The last one left at 00:00:30 and Customer.io answered 200 after 84 ms.",
        ]
    );
}

#[test]
fn each_outcome_has_its_sentence() {
    let by = |by| (Decision::Filtered { by }, Outcome::NotSent);
    let refused = Outcome::Undelivered {
        why: Undelivered::Discarded,
        reason: "too long".to_owned(),
        field: "name".to_owned(),
    };
    let open = Snapshot::default();
    let mut shut = Snapshot::default();
    shut.delivery.gate_shut = true;
    for (story, snapshot, expected) in [
        (
            by(BlockedBy::Type),
            open.clone(),
            "came at 00:00:01 and was filtered out: type not selected. Select its type to send such events.",
        ),
        (
            by(BlockedBy::Shut),
            open.clone(),
            "came at 00:00:01 and was filtered out: gate shut. Open the gate to send such events.",
        ),
        (
            accepted(Outcome::Waiting { next_ms: 45_000 }),
            open.clone(),
            "left at 00:00:30 and Customer.io answered 200 after 84 ms; it is retried at 00:00:45.",
        ),
        (
            accepted(refused),
            open.clone(),
            "left at 00:00:30 and Customer.io answered 200 after 84 ms: discarded, name: too long",
        ),
        (
            accepted(Outcome::DryRun),
            open.clone(),
            "came at 00:00:01 in dry run: nothing was sent.",
        ),
        (
            accepted(Outcome::HandedOver),
            open.clone(),
            "came at 00:00:01, and was handed over with its partition: the next holder sends it. `sluicegate \
             attach` with the group's address shows the events of all members.",
        ),
        (
            accepted(Outcome::OnItsWay),
            open,
            "came at 00:00:01 and is queued or in flight.",
        ),
        (
            accepted(Outcome::OnItsWay),
            shut,
            "came at 00:00:01 and is queued or in flight: the gate is not open.",
        ),
    ] {
        let said = said("purchase completed", vec![story], snapshot);
        assert_eq!(said[1], format!("The last one {expected}"));
    }
}

#[test]
fn a_question_about_nothing_in_the_ring_says_where_to_look() {
    let said_of = |stories, asked: &str| said(asked, stories, Snapshot::default());
    let one = || vec![accepted(Outcome::OnItsWay)];
    let all = said_of(one(), "u-9");
    assert_eq!(
        all[0],
        "None of the 1 event of the last 1 min is “u-9” or names it."
    );
    assert!(all[1].contains("look for it in Amplitude"), "{all:?}");
    assert_eq!(said_of(Vec::new(), "u-9")[0], "No event was received yet.");
}
