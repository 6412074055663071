use std::time::Duration;

use super::*;
use crate::amplitude::Reading;
use crate::amplitude::frame::tests_support::{event, event_at};
use crate::filter::{BlockedBy, Filters, Gate, Mode, Rule, RuleEffect, Switch};

const BATCHING: Batching = Batching {
    age: Duration::from_millis(100),
    bytes: 1_000_000,
};

fn seen(sequence: u64, text: &str) -> PreviewEvent {
    let event = event(text);
    let event_type = event.event_type().unwrap_or_default().into();
    PreviewEvent {
        sequence,
        event,
        event_type,
        is_rejected: false,
    }
}

fn some(count: u64) -> Vec<PreviewEvent> {
    let text = |n: u64| {
        format!(
            r#"{{"event_type":"Type {}","user_id":"u-{}","event_properties":{{"total":{}}}}}"#,
            n % 3,
            n % 7,
            n % 11
        )
    };
    (0..count).map(|n| seen(n, &text(n))).collect()
}

/// Events are given from old to new.
fn preview(before: &Filters, after: &Filters, events: &[PreviewEvent]) -> Preview {
    let comparison = Comparison::new(before, after).unwrap();
    let mut previewing = PreviewBuilder::new(comparison, BATCHING, false, events.len() as u64);
    let newest_first: Vec<PreviewEvent> = events.iter().rev().cloned().collect();
    previewing.add(&newest_first);
    previewing.preview()
}

fn filters() -> (Filters, Filters) {
    let large = "event_properties.total > 5";
    let before = Filters {
        rules: vec![
            Rule::new("large", RuleEffect::Exclude, large),
            Rule::new("fails", RuleEffect::Exclude, "event_type > 3"),
        ],
        ..Filters::default()
    };
    let mut sampled = Rule::new("half", RuleEffect::Exclude, "true");
    sampled.sample = 50.0;
    let after = Filters {
        types: [("Type 1".to_owned(), Switch::Off)].into(),
        rules: vec![
            Rule::new("some", RuleEffect::Include, "event_properties.total > 2"),
            Rule::new("large under another name", RuleEffect::Exclude, large),
            sampled,
        ],
        ..Filters::default()
    };
    (before, after)
}

#[test]
fn a_preview_decides_as_the_gate_does() {
    let (before, after) = filters();
    let gates = [&before, &after].map(|f| Gate::new(Mode::Open, f.clone()).unwrap());
    let mut comparison = Comparison::new(&before, &after).unwrap();
    for seen in some(500) {
        let reading = Reading::new(&seen.event);
        let by = |gate: &Gate| gate.blocked_by(&reading, &seen.event_type, false);
        let expected = (by(&gates[0]), by(&gates[1]));
        assert_eq!(comparison.decide(&seen, false), expected, "{seen:?}");
    }
    let mut tallies = gates[1].tallies();
    // A draft's rules are not timed.
    for tally in &mut tallies {
        (tally.timed, tally.timed_ns) = (0, 0);
    }
    assert!(tallies.iter().all(|t| t.filtered_out > 0), "{tallies:?}");
    assert_eq!(comparison.after.tallies, tallies);
    assert_eq!(
        comparison.before.tallies[1].errors,
        gates[0].tallies()[1].errors
    );
    assert_eq!(comparison.conditions.len(), 4, "one is in both");
}

#[test]
fn a_preview_is_the_same_on_one_thread_and_on_several() {
    let (before, after) = filters();
    let events = some(5_000);
    let comparison = Comparison::new(&before, &after).unwrap();
    let mut one_by_one = PreviewBuilder::new(comparison, BATCHING, false, 5_000);
    for seen in events.iter().rev() {
        one_by_one.add(std::slice::from_ref(seen));
    }
    assert_eq!(preview(&before, &after, &events), one_by_one.preview());
}

#[test]
fn changed_events_are_counted_by_type_with_the_newest_as_examples() {
    let before = Filters {
        types: [("Type 2".to_owned(), Switch::Off)].into(),
        ..Filters::default()
    };
    let mut after = Filters::default();
    after.types.insert("Type 0".to_owned(), Switch::Off);
    let shown = preview(&before, &after, &some(60));
    assert_eq!((shown.events, shown.is_whole()), (60, true));
    assert_eq!((shown.before.events, shown.after.events), (40, 40));
    assert_eq!((shown.before.persons, shown.after.persons), (7, 7));
    let moved = &shown.newly_filtered_out;
    assert_eq!(moved.types, [("Type 0".into(), 20)]);
    assert_eq!(moved.examples.len(), 10);
    assert_eq!(moved.examples[0].sequence, 57);
    assert_eq!(moved.examples[0].by, BlockedBy::Type);
    assert_eq!(shown.newly_passing.types, [("Type 2".into(), 20)]);
}

#[test]
fn an_event_that_a_limit_rejects_passes_no_filters() {
    let mut rejected = seen(1, r#"{"event_type":"A"}"#);
    rejected.is_rejected = true;
    let mut off = Filters::default();
    off.types.insert("A".to_owned(), Switch::Off);
    let shown = preview(&off, &Filters::default(), &[rejected]);
    assert_eq!((shown.events, shown.after.events), (1, 0));
    assert_eq!(shown.newly_passing, ChangedEvents::default());
}

#[test]
fn full_batches_and_old_batches_become_requests() {
    let at = |ms: i64| {
        let text = r#"{"event_type":"A","user_id":"u"}"#;
        let event = event_at(text, ms);
        PreviewEvent {
            event,
            ..seen(1, text)
        }
    };
    let size = at(0).event.size_bytes();
    let requests = |times: &[i64], bytes| {
        let events: Vec<PreviewEvent> = times.iter().map(|ms| at(*ms)).collect();
        let all = Filters::default();
        let comparison = Comparison::new(&all, &all).unwrap();
        let batching = Batching { bytes, ..BATCHING };
        let mut previewing = PreviewBuilder::new(comparison, batching, false, 0);
        let newest_first: Vec<PreviewEvent> = events.into_iter().rev().collect();
        previewing.add(&newest_first);
        previewing.preview().after.requests
    };
    assert_eq!(requests(&[0, 50, 100, 101, 500], 10_000), 3);
    assert_eq!(requests(&[0; 10], 3 * size), 4);
}
