use proptest::prelude::*;

use super::QuickCondition;
use crate::amplitude::Reading;
use crate::amplitude::frame::tests_support::event;
use crate::filter::expression::{Condition, Evaluation, Variables};

#[test]
fn the_common_forms_are_quick_and_the_others_are_left_to_cel() {
    for (condition, is_quick) in [
        (r#"event_type == "a""#, true),
        (r#"insert_id != "a" && has_user"#, true),
        (
            "event_properties.price > 3 || !has(user_properties.plan)",
            true,
        ),
        (
            r#"user_properties["e mail"].endsWith("@example.com")"#,
            true,
        ),
        (r#"country in ["DE", "AT"]"#, true),
        ("event_properties.internal", true),
        ("event_properties.a < 3 && event_properties.a >= 1.5", true),
        ("age_ms > 3", false),
        ("event_properties.a.b == 1", false),
        ("event_properties.a == user_properties.a", false),
        (r#"event_type.matches("a")"#, false),
        (r#"event_type in ["a", 1]"#, false),
        ("size(groups) == 1", false),
    ] {
        let compiled = Condition::compile(condition).unwrap();
        let quick = QuickCondition::of(compiled.program().expression());
        assert_eq!(quick.is_some(), is_quick, "{condition}");
    }
}

/// Values of all kinds, equal and unequal to the literals.
const VALUES: [&str; 22] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "3",
    "3.0",
    "3.5",
    "1e2",
    "100",
    "9007199254740993",
    "18446744073709551615",
    "1e999",
    r#""a""#,
    r#""ab""#,
    r#""\u0061""#,
    r#""é""#,
    r#""""#,
    r#""3""#,
    "[]",
    r#"{"a":1}"#,
];

const LITERALS: [&str; 14] = [
    "true",
    "false",
    "0",
    "1",
    "-1",
    "3",
    "3.0",
    "3.5",
    "100.0",
    "9007199254740993",
    r#""a""#,
    r#""é""#,
    r#""""#,
    r#""3""#,
];

fn operand() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "event_type",
        "user_id",
        "insert_id",
        "country",
        "event_properties.p",
        "event_properties.q",
        "event_properties.nope",
        r#"user_properties["p"]"#,
        "user_properties.nope",
    ])
}

/// What can be true or false by itself.
fn property() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["event_properties.p", "user_properties.nope", "paying"])
}

fn condition() -> impl Strategy<Value = String> {
    let literal = || proptest::sample::select(LITERALS.to_vec());
    let text = || proptest::sample::select(vec![r#""a""#, r#""é""#, r#""""#, r#""b""#]);
    let operator = proptest::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let function = proptest::sample::select(vec!["startsWith", "endsWith", "contains"]);
    let leaf = prop_oneof![
        6 => (operand(), operator, literal()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        2 => (operand(), function, text()).prop_map(|(a, f, b)| format!("{a}.{f}({b})")),
        2 => (operand(), text(), text()).prop_map(|(a, b, c)| format!("{a} in [{b}, {c}]")),
        1 => property().prop_map(str::to_owned),
        1 => Just("has_user".to_owned()),
        1 => Just("has(event_properties.p)".to_owned()),
        1 => Just("has(user_properties.nope)".to_owned()),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

fn event_text() -> impl Strategy<Value = String> {
    let value = || proptest::sample::select(VALUES.to_vec());
    (proptest::collection::vec(value(), 7), 0..5_u8).prop_map(|(values, form)| {
        let [kind, user, insert, country, p, q, up] = values.try_into().unwrap();
        let (properties, users) = match form {
            0 => ("[1]".to_owned(), "null".to_owned()),
            1 => (format!(r#"{{"q":{q},"p":{q},"p":{p}}}"#), format!(r#"{{"p":{up}}}"#)),
            2 => (format!(r#"{{"\u0070":{p}}}"#), "{}".to_owned()),
            _ => (format!(r#"{{"p":{p},"q":{q}}}"#), format!(r#"{{"p":{up}}}"#)),
        };
        let country = if form == 3 { String::new() } else { format!(r#""country":{country},"#) };
        format!(
            r#"{{"event_type":{kind},"user_id":{user},{country}"$insert_id":{insert},"device_id":"d","event_properties":{properties},"user_properties":{users}}}"#
        )
    })
}

proptest! {
    #[test]
    fn what_is_decided_quickly_is_what_cel_decides(
        source in condition(),
        events in proptest::collection::vec(event_text(), 1..20),
    ) {
        let condition = Condition::compile(&source).unwrap();
        let quick = QuickCondition::of(condition.program().expression()).unwrap();
        for text in events {
            let event = event(&text);
            let reading = Reading::new(&event);
            let variables = Variables::new(&reading);
            let by_cel = condition.evaluate_by_cel(variables.context().cel());
            let expected = match quick.evaluate(&reading) {
                Some(true) => Evaluation::True,
                Some(false) => Evaluation::False,
                None => continue,
            };
            prop_assert_eq!(by_cel, expected, "{} on {}", source, text);
        }
    }
}
