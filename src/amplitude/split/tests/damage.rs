//! Broken elements, damage between elements, and layouts.

use super::*;

/// Broken elements, with names.
fn broken_elements() -> Vec<(&'static str, String)> {
    let with = |value: &str| format!(r#"{{"event_type":"N","user_id":"u","p":{value}}}"#);
    vec![
        ("NaN", with("NaN")),
        ("nested NaN", with(r#"{"a":[1,NaN,{"b":2}]}"#)),
        ("Infinity", with("-Infinity")),
        ("undefined", with("undefined")),
        ("a number with a leading zero", with("01")),
        ("a number that ends early", with("1.")),
        ("single quotes", with("'text'")),
        ("a comma too many", with(r#"{"a":1,}"#)),
        ("a comma too few", with(r#"1 "q":2"#)),
        ("a colon too few", with(r#"{"a" 1}"#)),
        ("a control character", with("\"tab\tand bell\u{7}\"")),
        ("a line break in a text", with("\"one\ntwo\"")),
        ("a quote in a text", with(r#""say "hi" there""#)),
        ("a wrong escape", with(r#""\x41""#)),
        (
            "a brace too few",
            r#"{"event_type":"N","user_id":"u","p":{"a":{"b":1}}"#.to_owned(),
        ),
        (
            "two braces too few",
            r#"{"event_type":"N","p":{"a":{"b":1}"#.to_owned(),
        ),
        ("a bracket too few", with("[1,2")),
        ("a bracket too many", with("1]")),
        (
            "a quote too few",
            r#"{"event_type":"N,"user_id":"u","p":1}"#.to_owned(),
        ),
        (
            "a last quote too few",
            r#"{"event_type":"N","user_id":"u}"#.to_owned(),
        ),
        ("no name", r#"{"event_type":"N",:1}"#.to_owned()),
        ("a comment", r#"{"event_type":"N"/* , { */}"#.to_owned()),
        ("a bare word", "NaN".to_owned()),
        ("a number", "7".to_owned()),
        ("a text", r#""text""#.to_owned()),
        ("a list", r#"[1,{"user_id":"x"}]"#.to_owned()),
        ("no event", r#"{"a":1}"#.to_owned()),
    ]
}

#[test]
fn a_broken_element_of_any_kind_costs_only_itself_in_every_form() {
    let (a, b, c) = (event("A"), event("B"), event("C"));
    for (name, broken) in broken_elements() {
        let forms = [
            ("array", format!("[{a},{broken},{b},{c}]")),
            (
                "array with spaces",
                format!("[ {a} , {broken} , {b} , {c} ] \n"),
            ),
            (
                "array, a line each",
                format!("[{a},\n{broken},\n{b},\n{c}]\n"),
            ),
            ("unterminated array", format!("[{a},{broken},{b},{c}")),
            (
                "envelope",
                format!(r#"{{"api_key":"k","events":[{a},{broken},{b},{c}],"options":{{"o":1}}}}"#),
            ),
            ("lines", format!("{a}\n{broken}\n{b}\n{c}\n")),
        ];
        for (form, text) in forms {
            // On its own line, a list is a valid form.
            if form == "lines" && name == "a list" {
                continue;
            }
            let outcome = split(&text);
            assert_eq!(
                outcome.types(),
                ["A", "B", "C"],
                "{name}, {form}: {text}\n{:?}",
                outcome.found
            );
            // A comment with a brace in it counts as two broken elements.
            let in_itself = if name == "a comment" { 2 } else { 1 };
            let unterminated = usize::from(form.starts_with("unterminated"));
            assert_eq!(
                outcome.faults().len(),
                in_itself + unterminated,
                "{name}, {form}: {:?}",
                outcome.faults()
            );
        }
    }
}

#[test]
fn a_broken_element_says_where_it_broke() {
    let a = event("A");
    let text = format!(r#"[{a},{{"event_type":"N","p":{{"q":NaN}}}},{a}]"#);
    let outcome = split(&text);
    assert_eq!(outcome.types(), ["A", "A"]);
    let [fault] = outcome.faults()[..] else {
        panic!("{:?}", outcome.faults());
    };
    assert_eq!(fault.at_byte, text.find("NaN").unwrap());
    assert_eq!(fault.part(&text), r#"{"event_type":"N","p":{"q":NaN}}"#);
    assert!(fault.near.contains("NaN"), "{fault}");
}

#[test]
fn damage_between_elements_costs_no_element_and_is_reported() {
    let (a, b) = (event("A"), event("B"));
    for (text, faults) in [
        (format!("[{a} {b}]"), 1),
        (format!("[{a}{b}]"), 1),
        (format!("[{a},,{b}]"), 1),
        (format!("[,{a},{b}]"), 1),
        (format!("[{a},{b},]"), 1),
        (format!("[{a},{b}"), 1),
        (format!("[{a},{b},"), 1),
        (format!("[{a}}},{b}]"), 1),
        (format!("{a},{b}"), 1),
        (format!("{a}}}\n{b}"), 1),
        (format!("{a},{b}]"), 2),
        (format!(r#"{{"events":[{a},{b}"#), 1),
        (format!(r#"{{"events":[{a},{b}}}"#), 1),
        (format!(r#"{{"events":[{a},{b}],"options":NaN}}"#), 1),
        (format!(r#"{{"events":[{a},{b}]"#), 1),
        (format!(r#"{{"api_key":NaN,"events":[{a},{b}]}}"#), 1),
        (format!(r#"{{"api_key":"k" "events":[{a},{b}]}}"#), 1),
    ] {
        let outcome = split(&text);
        assert_eq!(outcome.types(), ["A", "B"], "{text}\n{:?}", outcome.found);
        assert_eq!(
            outcome.faults().len(),
            faults,
            "{text}\n{:?}",
            outcome.faults()
        );
    }
}

#[test]
fn a_number_that_no_parser_holds_is_json() {
    let text = format!(r#"[{},{{"event_type":"N","p":1e999}}]"#, event("A"));
    let outcome = split(&text);
    assert_eq!(outcome.types(), ["A", "N"]);
    assert!(outcome.faults().is_empty());
}

#[test]
fn several_values_after_one_another_are_read_in_any_layout() {
    let value: serde_json::Value = serde_json::from_str(&event("A")).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let list = serde_json::to_string_pretty(&serde_json::json!([value, value])).unwrap();
    let envelope = serde_json::json!({"api_key": "k", "events": [value, value], "options": {}});
    let envelope = serde_json::to_string_pretty(&envelope).unwrap();
    for (text, events) in [
        (pretty.clone(), 1),
        (format!("\u{feff}{pretty}\r\n{pretty}"), 2),
        (format!("{pretty}{pretty}\n\u{feff}{pretty}\n"), 3),
        (format!("{list}\n{pretty}\n{envelope}"), 5),
        (format!("{list}{list}"), 4),
        (envelope.replace('\n', "\r\n"), 2),
    ] {
        let outcome = split(&text);
        assert_eq!(outcome.types(), vec!["A"; events], "{text}");
        assert!(
            outcome.faults().is_empty(),
            "{text}: {:?}",
            outcome.faults()
        );
    }
    // If one of them is broken, an object inside it is not an event.
    let broken = pretty.replace("\"u-1\"", "NaN");
    for text in [
        format!("{pretty}\n{broken}\n{pretty}"),
        list.replacen("\"u-1\"", "NaN", 1) + "\n" + &pretty,
        envelope.replacen("\"u-1\"", "NaN", 1) + "\n" + &pretty,
    ] {
        let outcome = split(&text);
        assert_eq!(outcome.types(), ["A", "A"], "{text}\n{:?}", outcome.found);
        assert_eq!(outcome.faults().len(), 1, "{text}\n{:?}", outcome.faults());
    }
}

#[test]
fn a_line_that_is_cut_anywhere_costs_only_itself() {
    let (a, b) = (event("A"), event("B"));
    for cut in 1..a.len() {
        let text = format!("{a}\n{}\n{b}\n{b}\n", &a[..cut]);
        let outcome = split(&text);
        assert_eq!(
            outcome.types(),
            ["A", "B", "B"],
            "{}\n{:?}",
            &a[..cut],
            outcome.found
        );
        assert_eq!(outcome.faults().len(), 1, "{}", &a[..cut]);
    }
}
