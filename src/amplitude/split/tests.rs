use super::*;
use proptest::prelude::*;

const WITH: Reading<'_> = Reading {
    is_whole: true,
    any_object: false,
    received_ms: 7,
    message_id_field: "message_id",
};

/// What a text gives: the event types and the malformed parts in their order, and how many bytes
/// were visited for it.
struct Outcome {
    found: Vec<Result<String, Malformed>>,
    visited_bytes: usize,
}

impl Outcome {
    fn types(&self) -> Vec<&str> {
        self.found
            .iter()
            .filter_map(|found| found.as_deref().ok())
            .collect()
    }

    fn faults(&self) -> Vec<&Malformed> {
        self.found
            .iter()
            .filter_map(|found| found.as_ref().err())
            .collect()
    }
}

fn split(text: &str) -> Outcome {
    let text = ByteString::from(text);
    let mut splitter = Splitter::default();
    let mut found = Vec::new();
    loop {
        match splitter.next(&text, WITH) {
            Step::Found(one) => {
                found.push(one.map(|event| event.event_type().unwrap_or_default().into_owned()));
            }
            Step::More => panic!("the text is whole"),
            Step::End => break,
        }
    }
    Outcome {
        found,
        visited_bytes: splitter.visited_bytes,
    }
}

/// The same in windows that begin with `first` bytes and double where an element needs more.
fn split_in_windows(text: &str, first: usize) -> Vec<Result<String, String>> {
    let mut splitter = Splitter::default();
    let (mut from, mut size) = (0, first.max(1));
    let mut found = Vec::new();
    loop {
        let end = text.ceil_char_boundary((from + size).min(text.len()));
        let window = ByteString::from(&text[from..end]);
        let with = Reading {
            is_whole: end == text.len(),
            ..WITH
        };
        match splitter.next(&window, with) {
            Step::Found(one) => found.push(
                one.map(|event| event.event_type().unwrap_or_default().into_owned())
                    .map_err(|malformed| malformed.why),
            ),
            Step::End => return found,
            Step::More => {
                let tail = window.len() - splitter.at();
                from += splitter.at();
                size = first.max(2 * tail).max(1);
                splitter.rebase(window.as_bytes());
            }
        }
    }
}

fn event(event_type: &str) -> String {
    format!(
        r#"{{"event_type":"{event_type}","user_id":"u-1","event_properties":{{"items":[{{"user_id":"inner","n":1}},{{"n":2}}]}}}}"#
    )
}

/// What a broken element may look like, with a name.
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
            // On a line of its own a list is a form of its own.
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
            // A comment with a brace in it reads as two broken elements.
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
fn damage_between_elements_costs_no_element_and_is_counted() {
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
fn several_values_behind_each_other_are_read_however_they_are_laid_out() {
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
    // Where one of them is broken, an object within it is no event.
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

/// No byte is visited more often than this, whatever the text is.
const MOST_VISITS: usize = 12;

fn assert_linear(text: &str) {
    let outcome = split(text);
    assert!(
        outcome.visited_bytes <= MOST_VISITS * text.len() + 64,
        "{} bytes were visited for {}: {:?}…",
        outcome.visited_bytes,
        text.len(),
        text.chars().take(80).collect::<String>()
    );
}

#[test]
fn texts_that_are_made_to_be_slow_are_read_in_linear_time() {
    for piece in [
        "{\"a\":",
        "{\"a\":\n",
        "{\"a\":\n{",
        "{\"a\":[\n",
        "{\"events\":[\n",
        "{\"events\":[",
        "[\n",
        "[{",
        "[{\n",
        "{\"a\":1,\n",
        "\"},{\"",
        "{\"},{\"",
        "{\"a\":\"},{\"",
        "1\n",
        ",",
        "}",
        "]",
        "{\"a\":[1,\n{\"b\":\"\n",
        "{\"a\":\"b\n",
        "\\\"{\"",
        "{\"a\" \"b\"x",
        "[{\"event_type\":\"A\"},{\"a\":NaN},\n",
        "{}\n{",
        "  {\"a\":\n",
        "{\"api_key\":NaN,\"events\":[",
        "{\"events\":[{}],\"o\":",
    ] {
        for many in [1, 50, 4_000] {
            assert_linear(&piece.repeat(many));
            assert_linear(&format!("[{}", piece.repeat(many)));
            assert_linear(&format!("{}{}", piece.repeat(many), event("A")));
            assert_linear(&format!("{}\n{}", event("A"), piece.repeat(many)));
        }
    }
    let spaced = format!("{{\"a\":{}NaN}}", " ".repeat(100_000));
    assert_linear(&format!("[{spaced},{spaced},{spaced}]"));
}

/// Pieces of JSON, and of what is nearly JSON.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\n",
        " ",
        "  ",
        "\t",
        "\r\n",
        "\u{feff}",
        "é",
        "1",
        "-",
        "1e9",
        "NaN",
        "true",
        "null",
        "\"a\":",
        "\"events\":[",
        "\"event_type\":\"A\"",
        "{\"user_id\":\"u\"}",
        "},{",
        "]}",
        "\u{0}",
        "\\u12",
        "\\ud800",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_split_in_linear_time_and_without_a_panic(text in pieces(), times in 1_usize..30) {
        assert_linear(&text);
        assert_linear(&text.repeat(times));
    }

    #[test]
    fn every_fault_lies_within_its_text(text in pieces()) {
        for fault in split(&text).faults() {
            prop_assert!(fault.at_byte <= text.len() && fault.from_byte <= text.len());
            prop_assert!(fault.near.len() <= 2 * fault::NEAR_BYTES + 8);
            let _ = fault.part(&text);
        }
    }

    /// What is well-formed is found whole, whatever stands between.
    #[test]
    fn events_before_and_behind_any_damage_in_lines_are_taken(damage in "[^\n{}\\[\\]\"]{0,30}") {
        let text = format!("{}\n{damage}\n{}\n", event("A"), event("B"));
        let outcome = split(&text);
        prop_assert_eq!(outcome.types(), vec!["A", "B"]);
    }

    #[test]
    fn windows_of_any_size_give_what_the_whole_gives(
        which in prop::collection::vec(0_usize..6, 0..8),
        first in 1_usize..200,
    ) {
        let value: serde_json::Value = serde_json::from_str(&event("P")).unwrap();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let form = |which: &usize| match which {
            0 => event("A"),
            1 => pretty.clone(),
            2 => format!("[{},{}]", event("B"), event("C")),
            3 => format!("{{\"api_key\":\"k\",\"events\":[{},{pretty}],\"options\":{{}}}}", event("E")),
            4 => r#"{"event_type":"N","p":NaN}"#.to_owned(),
            _ => "no json".to_owned(),
        };
        let text = which.iter().map(form).collect::<Vec<_>>().join("\n");
        let whole: Vec<_> = split(&text).found.into_iter()
            .map(|found| found.map_err(|malformed| malformed.why)).collect();
        prop_assert_eq!(split_in_windows(&text, first), whole, "{}", text);
    }
}
