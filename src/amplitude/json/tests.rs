use proptest::prelude::*;

use super::*;

#[test]
fn an_object_is_read_as_raw_slices_of_its_text() {
    let text = r#"{"a": 1.50, "b\u0041": {"c":[1, 2]}, "d":null} tail"#;
    let mut seen = Vec::new();
    let end = each_entry(text, |k, v| seen.push((k.into_owned(), v))).unwrap();
    assert_eq!(&text[end.bytes..], " tail");
    assert_eq!(
        seen,
        [
            ("a".to_owned(), "1.50"),
            ("bA".to_owned(), r#"{"c":[1, 2]}"#),
            ("d".to_owned(), "null")
        ]
    );
}

#[test]
fn entries_of_a_name_are_removed_even_if_the_name_has_escapes() {
    for (raw, left) in [
        (r#"{"a":1,"id":2,"b":[3],"id":4}"#, r#"{"a":1,"b":[3]}"#),
        (
            r#"{"\u0069d":{"id":1},"c":"\u0069d"}"#,
            r#"{"c":"\u0069d"}"#,
        ),
        (r#"{ "a": {"id": 1} }"#, r#"{ "a": {"id": 1} }"#),
        (r#"{"id":1}"#, "{}"),
        ("id", "id"),
    ] {
        assert_eq!(without(raw, "id"), left, "{raw}");
    }
}

#[test]
fn scalars_are_read_as_text_and_the_rest_has_none() {
    for (raw, text) in [
        (r#""plain""#, Some("plain")),
        (r#""q\"\u00e9""#, Some("q\"é")),
        ("12", Some("12")),
        ("true", Some("true")),
        ("null", None),
        ("[1]", None),
    ] {
        assert_eq!(scalar(raw).as_deref(), text, "{raw}");
    }
    assert!(scalar(r#""\ud800x""#).is_some_and(|t| t.ends_with('x')));
}

type EntriesAndEnd<'a> = (Vec<(String, &'a str)>, usize);

/// The entries of an object as the scanner finds them, and as `serde_json` does.
fn entries_by_both(text: &str) -> [Option<EntriesAndEnd<'_>>; 2] {
    let mut scanned = Vec::new();
    let by_scanner =
        Scanner::new(text, &[]).entries(|key, value| scanned.push((key.to_owned(), value)));
    let mut parsed = Vec::new();
    let by_serde = parse_entries(text, 0, |key, value| parsed.push((key.into_owned(), value)));
    [
        by_scanner.map(|end| (scanned, end.bytes)),
        by_serde.ok().map(|end| (parsed, end.bytes)),
    ]
}

#[test]
fn the_scanner_takes_ordinary_json_and_leaves_the_rest() {
    let long = "x".repeat(200);
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    for (value, is_taken) in [
        ("{}", true),
        ("[ ]", true),
        (r#"[{"a":[1,{"b\n":null}]},true , false]"#, true),
        (r#""\u00e9\ud800 \" \\ \/""#, true),
        ("\"é\u{7f}\u{80}\"", true),
        ("-0.5e+10", true),
        (&format!("\"{long}\\n{long}\""), true),
        (&deep(63), true),
        (&deep(64), false),
        ("01", false),
        ("1.", false),
        ("-", false),
        ("1e", false),
        (".5", false),
        ("+1", false),
        ("nul", false),
        ("[1,]", false),
        ("[1 2]", false),
        (r#"{"a"}"#, false),
        (r#"{"a":1,}"#, false),
        ("[}", false),
        (r#""\x""#, false),
        (r#""\u12g4""#, false),
        ("\"\t\"", false),
        (&format!("\"{long}\n\""), false),
        (&format!("\"{long}"), false),
        ("\"\\", false),
    ] {
        let text = format!("{{ \"a\" : {value} , \"b\":2}} tail");
        let [scanned, parsed] = entries_by_both(&text);
        assert_eq!(scanned.is_some(), is_taken, "{text}");
        if is_taken {
            assert_eq!(scanned, parsed, "{text}");
        }
    }
    let [escaped_key, _] = entries_by_both(r#"{"a":1,"\n":2}"#);
    assert_eq!(escaped_key, None, "such keys are decoded");
    let mut seen = Vec::new();
    each_entry(r#"{"a":1,"\u0062":2,"c":3}"#, |key, value| {
        seen.push((key.into_owned(), value));
    })
    .unwrap();
    let expected = [("a", "1"), ("b", "2"), ("c", "3")];
    assert_eq!(seen, expected.map(|(key, value)| (key.to_owned(), value)));
}

#[test]
fn numbers_and_depths_that_have_to_be_looked_at_are_not_plain() {
    let is_plain = |value: &str| {
        let text = format!(r#"{{"a":{value}}}"#);
        each_entry(&text, |_, _| {}).unwrap().is_plain
    };
    let [digits, more] = [308, 309].map(|count| "9".repeat(count));
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    for (value, expected) in [
        ("1.5", true),
        (r#""1e999""#, true),
        ("1e2", false),
        (&digits, true),
        (&more, false),
        (&deep(MAX_DEPTH - 1), true),
        (&deep(MAX_DEPTH), false),
    ] {
        assert_eq!(is_plain(value), expected, "{value}");
    }
}

#[test]
fn values_that_are_known_are_not_read_again() {
    let text = r#"{"a":{"x":[1,2]},"b":"{","c":[3],"d":{"y":1}}"#;
    let at = |value: &str| {
        let start = text.find(value).unwrap();
        start..start + value.len()
    };
    let known = [at(r#"{"x":[1,2]}"#), 0..0, at("[3]")];
    assert_eq!(entries_knowing(text, &known), entries(text));
    let escaped = text.replace("\"c\"", "\"\\u0063\"");
    assert_eq!(entries_knowing(&escaped, &[]), entries(&escaped));
}

/// JSON of any kind, and what is almost JSON.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u00e9", "\\ud800", "\\n", "\"a\"", "\"a\":", "1", "-0",
            "1.5", "2e9", "01", "true", "null", " ", "\n", "\t", "\u{1}", "é", "abcdefghijklmnopqrstuvwxyz",
        ])
        .prop_map(str::to_owned),
        1 => "[ -~]{0,80}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|all| format!("{{\"k\":{}}}", all.concat()))
}

/// An object whose text was changed at one place.
fn damaged() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        ".{0,40}".prop_map(serde_json::Value::from),
    ];
    let value = leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            proptest::collection::btree_map("[a-z\\n]{0,12}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    let entries = proptest::collection::btree_map("[a-z]{1,8}", value, 0..6);
    (
        entries,
        any::<proptest::sample::Index>(),
        any::<u8>(),
        any::<bool>(),
    )
        .prop_map(|(entries, at, byte, is_changed)| {
            let entries = entries.into_iter().collect();
            let mut text = serde_json::Value::Object(entries).to_string().into_bytes();
            if is_changed {
                let at = at.index(text.len());
                text[at] = byte;
            }
            String::from_utf8_lossy(&text).into_owned()
        })
}

proptest! {
    #[test]
    fn what_the_scanner_takes_is_what_serde_json_takes(text in prop_oneof![pieces(), damaged()]) {
        let [scanned, parsed] = entries_by_both(&text);
        if scanned.is_some() {
            prop_assert_eq!(scanned, parsed);
        } else if parsed.is_some() {
            // Only keys with escapes, and great depth.
            let is_deep = text.matches(['[', '{']).count() >= MAX_DEPTH;
            prop_assert!(text.contains('\\') || is_deep);
        }
    }
}
