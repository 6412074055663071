use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::ViewerMask;
use crate::delivery::{Attempt, BreakerState, Undelivered};
use crate::filter::{Decision, Filters, Rule, RuleEffect};
use crate::protocol::tests_support::record;
use crate::protocol::{Author, ChangeRecord, Outcome, Snapshot};

const MASK: ViewerMask = ViewerMask::new(7);

/// A value that nobody may be shown, and that nothing else contains.
fn secret() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-z]{0,5}Sec7et[0-9]{3}".prop_map(Value::from),
        "Sec7et\\.[a-z]{1,5}@[a-z]{2,5}\\.example".prop_map(Value::from),
        (100_u32..999).prop_map(|n| json!(f64::from(n) + 0.987_65)),
        "\\PC{0,9}\"\\\\Sec7et\\PC{0,9}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    secret().prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}Sec7et", inner, 0..3).prop_map(Value::from_iter),
        ]
    })
}

/// The fields of an event besides its type.
fn fields() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let names = [
        "user_id",
        "device_id",
        "amplitude_id",
        "uuid",
        "insert_id",
        "$insert_id",
        "ip",
        "ip_address",
        "city",
        "idfa",
        "location_lat",
        "user_properties",
        "event_properties",
        "groups",
        "data",
        "session_id",
        "anything",
    ];
    let field = (prop::sample::select(names.to_vec()), value());
    prop::collection::vec(field, 0..12)
}

fn is_revealing(text: &str) -> bool {
    text.contains("Sec7et") || text.contains("98765")
}

proptest! {
    #[test]
    fn no_value_of_an_event_is_left_in_its_record(fields in fields(), properties in value()) {
        let mut all = serde_json::Map::new();
        all.insert("event_type".to_owned(), json!("Signup"));
        all.insert("event_properties".to_owned(), json!({ "plan": properties }));
        all.extend(fields.into_iter().map(|(name, value)| match name {
            // The names of properties are shown.
            "user_properties" | "event_properties" | "groups" | "data" => {
                (name.to_owned(), json!({ "plan": value }))
            }
            _ => (name.to_owned(), value),
        }));
        let text = Value::Object(all).to_string();
        let outcome = Outcome::Undelivered {
            why: Undelivered::Discarded,
            reason: format!("not accepted: {text}"),
            field: "plan".to_owned(),
        };
        let mut sent = record(1, &text, Decision::Accepted, outcome);
        sent.story.attempts.push(Arc::new(Attempt {
            at_ms: 1,
            took_ms: 1,
            answer: "400".to_owned(),
            message: text.clone(),
            items: 1,
        }));
        let shown = MASK.record(&sent);
        prop_assert!(!is_revealing(shown.text()), "{} of {text}", shown.text());
        let story = format!("{:?}", shown.story);
        prop_assert!(!is_revealing(&story), "{story}");
        prop_assert_eq!(shown.event_type(), "Signup");
        prop_assert!(serde_json::from_str::<Value>(shown.text()).is_ok());
    }

    #[test]
    fn no_value_of_a_condition_is_left_in_the_filters(value in secret(), note in "[a-z ]{0,9}") {
        let when = format!("user_id == {value} || size(x) > 98765 || y == '{note} Sec7et'");
        let mut rule = Rule::new("one", RuleEffect::Exclude, when.clone());
        rule.note = format!("{note} Sec7et");
        let filters = Filters { rules: vec![rule], ..Filters::default() };
        let change = ChangeRecord {
            at_ms: 1,
            author: Author::new("ann", "here"),
            filters_version: 2,
            what: format!("filters: new rule “one”: excludes {when}"),
        };
        let snapshot = Snapshot {
            filters: Arc::new(filters),
            last_change: Some(change),
            ..Snapshot::default()
        };
        let shown = serde_json::to_string(&MASK.snapshot(&snapshot)).unwrap();
        prop_assert!(!is_revealing(&shown), "{shown}");
        prop_assert!(shown.contains("user_id == "), "{shown}");
    }
}

#[test]
fn a_record_keeps_what_names_nobody() {
    let text = r#"{"event_type":"Signup","user_id":"u-1","time":1795000000000,"device_id":null,"event_properties":{"plan":"pro","n":3},"ip":"1.2.3.4"}"#;
    let sent = record(1, text, Decision::Accepted, Outcome::OnItsWay);
    let shown = MASK.record(&sent);
    let shown: Value = serde_json::from_str(shown.text()).unwrap();
    let again = MASK.record(&sent);
    let again: Value = serde_json::from_str(again.text()).unwrap();
    assert_eq!(shown["user_id"], again["user_id"], "the pseudonym stays");
    assert!(shown["user_id"].as_str().unwrap().starts_with("id•"));
    assert_eq!(
        (
            &shown["time"],
            &shown["device_id"],
            &shown["event_properties"]
        ),
        (
            &json!(1_795_000_000_000_u64),
            &Value::Null,
            &json!({ "plan": "•••", "n": "•••" })
        )
    );
    assert_eq!(shown["ip"], "•••");
}

#[test]
fn reasons_that_may_quote_an_event_are_hidden() {
    let mut snapshot = Snapshot::default();
    snapshot.delivery.breaker = BreakerState::Open {
        why: "503: u-1 is not known".to_owned(),
        since_ms: 1,
        probe_ms: 2,
    };
    let shown = MASK.snapshot(&snapshot);
    let why = shown.delivery.breaker.why().unwrap();
    assert_eq!(
        why,
        "the destination is down; why is hidden by control.privacy"
    );
}
