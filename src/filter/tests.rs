//! Properties of conditions: whatever is typed, pasted or read from a file evaluates to a result or
//! fails with an error, and never panics.

use proptest::prelude::*;

use super::expression::{Condition, Evaluation, Variables};
use crate::amplitude::Reading;
use crate::amplitude::frame::tests_support::event;
use crate::filter::catalog::Catalog;

const EVENTS: [&str; 5] = [
    r#"{"event_type":"A","user_id":"ü","time":1,"event_properties":{"é":[1,{"a":"b"},null],"n":1.5}}"#,
    r#"{"event_type":7,"user_id":{},"event_properties":[],"user_properties":"x"}"#,
    r#"{"user_id":"u","event_properties":{"n":1e999,"m":-9223372036854775808,"o":18446744073709551615}}"#,
    r#"{"user_id":"u","event_properties":{"n":"\ud800","":""},"groups":{"a":{"b":{"c":[[[]]]}}}}"#,
    r#"{"event_type":null,"device_id":"d","country":"🎹","event_properties":null}"#,
];

fn ask(source: &str) {
    let Ok(condition) = Condition::compile(source) else {
        return;
    };
    for text in EVENTS {
        let event = event(text);
        let reading = Reading::new(&event);
        condition.evaluate(&Variables::new(&reading).context());
        condition.parts(&reading);
    }
}

/// Sequences of pieces, some of which are conditions.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "event_type",
        "user_id",
        "event_properties",
        ".n",
        ".m",
        ".o",
        "[\"é\"]",
        "[0]",
        "[-1]",
        "event_properties.é",
        "groups.a.b",
        "country",
        "user_properties",
        "has(",
        "size(",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        " == ",
        " != ",
        " > ",
        " + ",
        " - ",
        " * ",
        " / ",
        " % ",
        "!",
        "-",
        " && ",
        " || ",
        " ? ",
        " : ",
        " in ",
        "\"é\"",
        "'🎹'",
        "\"",
        "1",
        "0",
        "1.5",
        "1e999",
        "9223372036854775807",
        "null",
        "true",
        ".startsWith(",
        ".matches(",
        ".exists(x, x",
        ".all(é, ",
        ".map(x, ",
        "timestamp(",
        "duration(",
        "int(",
        "string(",
        ",",
        " ",
        "\n",
        "ü",
        "\\",
        "\u{0}",
        "//",
        "r'",
        "b\"",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_condition_makes_a_compiler_or_an_evaluation_panic(source in pieces()) {
        ask(&source);
    }

    #[test]
    fn no_text_makes_the_compiler_panic(source in "\\PC{0,40}") {
        ask(&source);
        ask(&format!("event_type == \"{source}\" && has(user_properties.{source})"));
    }

    #[test]
    fn completion_takes_whatever_is_written(source in pieces()) {
        let mut catalog = Catalog::default();
        EVENTS.iter().for_each(|text| catalog.add(&event(text)));
        if let Some(found) = catalog.complete(&source) {
            prop_assert!(source.is_char_boundary(found.start));
        }
    }
}

#[test]
fn conditions_that_are_nested_too_deeply_are_errors() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("!", ""),
        ("-", ""),
        ("size(", ")"),
        ("{1:", "}"),
        ("true ? true : ", ""),
        ("1 + ", ""),
        ("true && ", ""),
    ] {
        for depth in [10, 100, 1_000, 50_000] {
            let source = format!("{}true{}", open.repeat(depth), close.repeat(depth));
            ask(&source);
            ask(&open.repeat(depth));
        }
    }
    let deep = format!("{}true{}", "(".repeat(100), ")".repeat(100));
    let why = Condition::compile(&deep).unwrap_err();
    assert!(why.message.contains("nested too deeply"), "{why}");
    assert_eq!(why.column, 32);
    let long = "user_id == \"u\" || ".repeat(10_000) + "true";
    let why = Condition::compile(&long).unwrap_err();
    assert!(why.message.contains("too long"), "{why}");
}

#[test]
fn a_long_list_and_a_long_chain_of_alternatives_are_conditions() {
    let names: Vec<String> = (0..1_500).map(|n| format!("\"Event Type {n}\"")).collect();
    ask(&format!("event_type in [{}]", names.join(", ")));
    Condition::compile(&format!("event_type in [{}]", names.join(", "))).unwrap();
    let each: Vec<String> = names[..500]
        .iter()
        .map(|name| format!("event_type == {name}"))
        .collect();
    let chain = Condition::compile(&each.join(" || ")).unwrap();
    let event = event(r#"{"event_type":"Event Type 499","user_id":"u"}"#);
    let reading = Reading::new(&event);
    let verdict = chain.evaluate(&Variables::new(&reading).context());
    assert_eq!(verdict, Evaluation::True);
}
