use super::*;
use crate::amplitude::frame::tests_support::event;
use crate::filter::BlockedBy;
use crate::filter::{Rule, RuleEffect};

const EVENT: &str = r#"{"event_type":"Purchase","user_id":"u-1","time":1799999999000,
    "event_properties":{"total":12.5,"items":["a","b"],"coupon":null,"text":"x"}}"#;

fn parts(condition: &str) -> Vec<String> {
    let event = event(EVENT);
    let reading = Reading::new(&event);
    let parts = Condition::compile(condition).unwrap().parts(&reading);
    let line = |part: &Subexpression| {
        let result = match &part.result {
            EvalResult::Bool(truth) => truth.to_string(),
            EvalResult::Value(value) => value.clone(),
            EvalResult::Missing => "not there".to_owned(),
            EvalResult::Error(why) => format!("error: {why}"),
        };
        format!("{}{} → {result}", "  ".repeat(part.depth), part.text)
    };
    parts.iter().map(line).collect()
}

#[test]
fn each_subexpression_has_its_result() {
    assert_eq!(
        parts(r#"event_properties.total > 100.0 && (country == "DE" || !has_user)"#),
        [
            r#"event_properties.total > 100.0 && (country == "DE" || !has_user) → false"#,
            "  event_properties.total > 100.0 → false",
            "    event_properties.total → 12.5",
            r#"  country == "DE" || !has_user → false"#,
            r#"    country == "DE" → false"#,
            "      country → not there",
            "    !has_user → false",
            "      has_user → true",
        ]
    );
    assert_eq!(
        parts(r#"user_id.startsWith("staff") || "b" in event_properties.items"#),
        [
            r#"user_id.startsWith("staff") || "b" in event_properties.items → true"#,
            r#"  user_id.startsWith("staff") → false"#,
            r#"    user_id → "u-1""#,
            r#"  "b" in event_properties.items → true"#,
            "    event_properties.items → a list of 2",
        ]
    );
}

#[test]
fn calls_macros_and_errors_appear_as_in_the_source() {
    assert_eq!(
        parts(r#"size(event_properties["items"]) == 2 && has(event_properties.coupon)"#)[1..],
        [
            r#"  size(event_properties["items"]) == 2 → true"#,
            r#"    size(event_properties["items"]) → 2"#,
            r#"      event_properties["items"] → a list of 2"#,
            "  has(event_properties.coupon) → true",
        ]
    );
    assert_eq!(
        parts(r#"event_properties.items.exists(i, i == "b")"#),
        [
            r#"event_properties.items.exists(i, i == "b") → true"#,
            "  event_properties.items → a list of 2",
        ]
    );
    assert_eq!(
        parts("event_properties.text > 3")[0],
        "event_properties.text > 3 → error: > does not take a string and a number"
    );
}

#[test]
fn all_blockers_are_named_in_order() {
    let event = event(EVENT);
    let reading = Reading::new(&event);
    let filters = Filters {
        types: [("Purchase".to_owned(), false.into())].into(),
        rules: vec![
            Rule::new(
                "cheap",
                RuleEffect::Exclude,
                "event_properties.total < 20.0",
            ),
            Rule::new("nobody", RuleEffect::Exclude, "!has_user"),
            Rule::new("germans", RuleEffect::Include, r#"country == "Germany""#),
        ],
        ..Filters::default()
    };
    let found = blockers(&filters, Some(Mode::Shut), false, "Purchase", &reading);
    let found: Vec<String> = found.iter().map(BlockedBy::to_string).collect();
    assert_eq!(
        found,
        [
            "type not selected",
            "rule 1 “cheap”",
            "rule 3 “germans”",
            "gate shut",
        ]
    );
    let free = blockers(
        &Filters::default(),
        Some(Mode::Open),
        false,
        "Purchase",
        &reading,
    );
    assert_eq!(free, []);
    let told = explain(&filters, "germans", &reading).unwrap();
    assert_eq!((told.number, told.parts.len()), (3, 2));
    assert_eq!(explain(&filters, "gone", &reading), None);
}
