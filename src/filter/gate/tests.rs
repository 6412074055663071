use super::*;
use crate::amplitude::frame::tests_support::event;
use crate::filter::filters::Switch;
use crate::filter::rule::{Rule, RuleEffect};

fn gate(types: &[(&str, bool)], unseen: bool, rules: Vec<Rule>) -> Gate {
    let types = types
        .iter()
        .map(|(t, on)| ((*t).to_owned(), Switch::from(*on)))
        .collect();
    Gate::new(
        Mode::Open,
        Filters {
            unseen_types: unseen.into(),
            types,
            rules,
        },
    )
    .unwrap()
}

fn decide(gate: &Gate, text: &str) -> Option<String> {
    let event = event(text);
    let event_type = event.event_type().unwrap_or_default().into_owned();
    gate.blocked_by(&Reading::new(&event), &event_type, false)
        .map(|by| by.to_string())
}

const EU: &str = r#"{"event_type":"Purchase","user_id":"u-1","event_properties":{"region":"eu"}}"#;
const US: &str =
    r#"{"event_type":"Purchase","user_id":"staff-1","event_properties":{"region":"us"}}"#;

#[test]
fn types_come_first_then_rules_in_order_and_each_decision_names_its_reason() {
    let internal = Rule::new(
        "internal",
        RuleEffect::Exclude,
        r#"user_id.startsWith("staff")"#,
    );
    let eu_only = Rule::new(
        "eu only",
        RuleEffect::Include,
        r#"event_properties.region == "eu""#,
    );
    let open = gate(&[("Purchase", true)], false, vec![internal, eu_only]);
    assert_eq!(decide(&open, EU), None);
    assert_eq!(decide(&open, US).as_deref(), Some("rule 1 “internal”"));
    assert_eq!(
        decide(&open, &US.replace("staff", "u")).as_deref(),
        Some("rule 2 “eu only”")
    );
    assert_eq!(
        decide(&open, &EU.replace("Purchase", "Song")).as_deref(),
        Some("new type, not selected")
    );
    let off = gate(&[("Purchase", false)], true, vec![]);
    assert_eq!(decide(&off, EU).as_deref(), Some("type not selected"));
    let update = r#"{"event_type":"$identify","user_id":"u-1"}"#;
    assert_eq!(
        decide(&off, update).as_deref(),
        Some("property update, send users is off")
    );
    let shut = Gate::new(Mode::Shut, Filters::default()).unwrap();
    assert_eq!(decide(&shut, EU).as_deref(), Some("gate shut"));
}

#[test]
fn a_rule_that_is_off_or_fails_filters_nothing_out_and_its_errors_are_counted() {
    let mut off = Rule::new("off", RuleEffect::Exclude, "true");
    off.on = false;
    let failing = Rule::new(
        "failing",
        RuleEffect::Exclude,
        "event_properties.region > 3",
    );
    let gate = gate(&[], true, vec![off, failing]);
    assert_eq!(decide(&gate, EU), None);
    let tallies = gate.tallies();
    assert_eq!(tallies[0].reached, 0);
    assert_eq!((tallies[1].reached, tallies[1].errors), (1, 1));
    assert_eq!(
        tallies[1].last_error.as_deref(),
        Some("> does not take a string and a number")
    );
}

#[test]
fn a_sample_selects_its_share_of_persons_and_always_the_same_ones() {
    let mut tenth = Rule::new("tenth", RuleEffect::Include, "true");
    tenth.sample = 10.0;
    let gate = gate(&[], true, vec![tenth]);
    let passing = || -> Vec<usize> {
        let by = |i: usize| format!(r#"{{"event_type":"a","user_id":"user-{i}"}}"#);
        (0..2000)
            .filter(|i| decide(&gate, &by(*i)).is_none())
            .collect()
    };
    let first = passing();
    assert!((140..260).contains(&first.len()), "{}", first.len());
    assert_eq!(first, passing());
}

#[test]
fn a_new_gate_keeps_the_counts_of_rules_that_stayed() {
    let stays = Rule::new("stays", RuleEffect::Exclude, "has_user");
    let before = gate(&[], true, vec![stays.clone()]);
    decide(&before, EU);
    let rules = vec![Rule::new("new", RuleEffect::Exclude, "false"), stays];
    let filters = Filters {
        rules,
        ..Filters::default()
    };
    let after = before.with_filters(CompiledFilters::compile(filters).unwrap());
    assert_eq!(
        after
            .tallies()
            .iter()
            .map(|t| t.matched)
            .collect::<Vec<_>>(),
        [0, 1]
    );
}

#[test]
fn the_error_of_an_invalid_rule_names_it() {
    let wrong = Filters {
        rules: vec![Rule::new("typo", RuleEffect::Exclude, "evnt_type == 1")],
        ..Filters::default()
    };
    let error = Gate::new(Mode::Open, wrong).unwrap_err().to_string();
    assert!(
        error.starts_with("rule “typo”: there is no variable evnt_type"),
        "{error}"
    );
}
