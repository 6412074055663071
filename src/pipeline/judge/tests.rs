use super::*;

use crate::amplitude::frame::tests_support::event;
use crate::filter::{Gate, Mode};
use crate::limits::Code;
use crate::telemetry::counters::Counters;

fn judge(change: impl FnOnce(&mut Settings)) -> Judge {
    let mut settings = Settings {
        gate: Mode::Open,
        ..Settings::default()
    };
    change(&mut settings);
    let gate = Gate::new(settings.gate, settings.filters()).unwrap();
    let rules = Arc::new(ArcSwap::from_pointee(JudgeRules::of(&settings)));
    Judge::new(SharedGate::new(gate), rules, &settings)
}

fn decide(judge: &mut Judge, text: &str) -> (Decision, Vec<Accepted>) {
    let mut items = Vec::new();
    let record = judge.judge(event(text), &mut items);
    (record.story.decision.unwrap(), items)
}

fn by(user: &str, plan: &str) -> String {
    format!(
        r#"{{"event_type":"Step","user_id":"{user}","insert_id":"{user}{plan}","time":1800000000000,"user_properties":{{"plan":"{plan}"}}}}"#
    )
}

#[test]
fn an_event_is_a_duplicate_only_of_one_that_was_sent() {
    let mut open = judge(|_| {});
    assert_eq!(decide(&mut open, &by("u", "a")).0, Decision::Accepted);
    assert_eq!(
        decide(&mut open, &by("u", "a")).0,
        Decision::Rejected {
            code: Code::Duplicate
        }
    );
    let mut dry = judge(|s| s.gate = Mode::DryRun);
    for _ in 0..2 {
        let (decision, items) = decide(&mut dry, &by("u", "a"));
        assert_eq!((decision, items.len()), (Decision::Accepted, 0));
    }
}

#[test]
fn an_event_that_the_filters_block_is_filtered_out_whatever_limit_it_violates() {
    let broken = by("null", "a");
    let mut off = judge(|s| _ = s.types.insert("Step".to_owned(), false.into()));
    assert_eq!(
        decide(&mut off, &broken).0,
        Decision::Filtered {
            by: BlockedBy::Type
        }
    );
    let mut shut = judge(|s| s.gate = Mode::Shut);
    assert_eq!(
        decide(&mut shut, &broken).0,
        Decision::Rejected {
            code: Code::IdInvalid
        }
    );
    let mut counters = Counters::default();
    for judge in [&mut off, &mut shut] {
        counters.count(&judge.judge(event(&broken), &mut Vec::new()));
    }
    assert_eq!(
        (counters.totals.violations, counters.totals.rejected),
        (1, 1)
    );
}

#[test]
fn with_send_users_an_identify_accompanies_an_event_only_if_properties_changed() {
    let mut sending = judge(|s| s.mapping.send_users = true);
    let mut parts = |text: &str| {
        decide(&mut sending, text)
            .1
            .iter()
            .map(|q| q.part)
            .collect::<Vec<_>>()
    };
    assert_eq!(parts(&by("u", "free")), [Part::Identify, Part::Event]);
    let again = by("u", "free").replace("ufree", "other");
    assert_eq!(parts(&again), [Part::Event]);
    assert_eq!(parts(&by("u", "pro")), [Part::Identify, Part::Event]);
    assert_eq!(parts(&by("v", "pro")), [Part::Identify, Part::Event]);
    let update = by("u", "team").replace("Step", "$identify");
    assert_eq!(
        parts(&update),
        [Part::Event],
        "an update is the identify itself"
    );
}

#[test]
fn json_that_is_nested_deeper_than_the_stack_does_no_harm() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let text = by("u", "a").replace(r#""plan":"a""#, &format!(r#""plan":{deep}"#));
    let mut unix = judge(|s| {
        s.mapping.dates = crate::customerio::mapping::Dates::Unix;
        let (effect, when) = (
            crate::filter::RuleEffect::Exclude,
            "size(user_properties.plan) > 3",
        );
        s.rules = vec![crate::filter::Rule::new("deep", effect, when)];
    });
    assert!(matches!(
        decide(&mut unix, &text).0,
        Decision::Rejected {
            code: Code::EventDataTooLarge
        }
    ));
    let objects = r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000);
    let text = by("u", "b").replace(r#""plan":"b""#, &format!(r#""plan":{objects}"#));
    assert!(matches!(
        decide(&mut unix, &text).0,
        Decision::Rejected {
            code: Code::EventDataTooLarge
        }
    ));
    crate::tui::widget::json::lines(&text, &std::collections::BTreeSet::new());
}

#[test]
fn an_update_that_sets_nothing_is_filtered_out_and_not_remembered() {
    for mode in [Mode::Open, Mode::DryRun] {
        let mut judge = judge(|s| {
            s.gate = mode;
            s.mapping.send_users = true;
        });
        let update = by("u", "a")
            .replace("Step", "$identify")
            .replace(r#""plan":"a""#, "");
        for _ in 0..2 {
            let (decision, items) = decide(&mut judge, &update);
            let by = BlockedBy::PropertyUpdate;
            assert_eq!(decision, Decision::Filtered { by }, "{mode:?}");
            assert_eq!(items.len(), 0);
        }
    }
}

#[test]
fn the_outcome_of_an_accepted_event_follows_from_the_mode() {
    for (mode, outcome, count) in [
        (Mode::Open, Outcome::OnItsWay, 1),
        (Mode::DryRun, Outcome::DryRun, 0),
        (Mode::Shut, Outcome::NotSent, 0),
    ] {
        let mut items = Vec::new();
        let record = judge(|s| s.gate = mode).judge(event(&by("u", "a")), &mut items);
        assert_eq!(
            (record.story.outcome, items.len()),
            (outcome, count),
            "{mode:?}"
        );
    }
}
