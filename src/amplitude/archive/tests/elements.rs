//! Elements of all forms and sizes.

use super::*;

#[test]
fn every_kind_of_archive_yields_its_events_in_time_order_with_their_lines() {
    let two = format!("{}\r\n\n{}", event("A"), event("B"));
    for (name, bytes) in [
        ("a.ndjson", two.clone().into_bytes()),
        ("a.json.gz", gz(&two)),
        ("a.ndjson.zst", zstd::encode_all(two.as_bytes(), 0).unwrap()),
        (
            "a.json.gz",
            [gz(format!("{}\n\n", event("A"))), gz(event("B"))].concat(),
        ),
    ] {
        assert_eq!(
            pieces(name, bytes),
            [format!("{name}:1 A"), format!("{name}:3 B")]
        );
    }
    let export = zipped([
        ("1/1_2025-07-01_17#0.json.gz", gz(event("late"))),
        (
            "1/1_2025-07-01_9#0.json.gz",
            gz(format!("\n{}", event("early"))),
        ),
    ]);
    assert_eq!(
        pieces("e.zip", export),
        [
            "e.zip:1/1_2025-07-01_9#0.json.gz:2 early",
            "e.zip:1/1_2025-07-01_17#0.json.gz:1 late"
        ]
    );
}

#[test]
fn events_over_several_lines_are_read_as_in_a_frame() {
    let value: serde_json::Value = serde_json::from_str(&event("A")).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let envelope = serde_json::json!({"api_key": "k", "events": [value, value]});
    let envelope = serde_json::to_string_pretty(&envelope).unwrap();
    assert_eq!(pieces("a.json", &pretty), ["a.json:1 A"]);
    assert_eq!(pieces("a.json", &envelope), ["a.json:4 A", "a.json:8 A"]);
    let several = format!("\u{feff}{pretty}\n{pretty}{pretty}\n\u{feff}[{pretty},\n{pretty}]\n");
    assert_eq!(
        pieces("a.json", several),
        [
            "a.json:1 A",
            "a.json:5 A",
            "a.json:8 A",
            "a.json:12 A",
            "a.json:16 A"
        ]
    );
    let broken = format!("{pretty}\n{}\n{pretty}", pretty.replace("\"u-1\"", "NaN"));
    let all = pieces("a.json", broken);
    assert_eq!((&*all[0], &*all[2]), ("a.json:1 A", "a.json:9 A"));
    let position = "a.json:7 malformed, byte 13: expected value";
    assert!(all[1].starts_with(position), "{}", all[1]);
}

#[test]
fn a_large_array_or_envelope_is_read_an_element_at_a_time() {
    let many = vec![event("A"); 20_000].join(",\n");
    let options = Options {
        max_event_bytes: 200_000,
        ..Options::default()
    };
    for text in [
        format!("[{many}]"),
        format!("{{\"api_key\":\"k\",\"events\":[{many}],\"options\":{{\"a\":[1]}}}}"),
    ] {
        let all = pieces_of("a.json", text.as_bytes(), options);
        assert_eq!(all.len(), 20_000, "{:?}", all.last());
        assert_eq!(all[19_999], "a.json:20000 A");
    }
}

#[test]
fn an_element_that_is_too_large_is_reported_and_skipped() {
    let options = Options {
        max_event_bytes: 70_000,
        ..Options::default()
    };
    let large = event(&"x".repeat(900_000));
    for text in [
        format!("{}\n{large}\n{}\n", event("A"), event("B")),
        format!("[{},\n{large},\n{}]", event("A"), event("B")),
        format!(
            "{}\n{}\n{}\n",
            event("A"),
            "{\"a\":[".repeat(150_000),
            event("B")
        ),
        format!(
            "{}\n{}\n{}\n",
            event("A"),
            "junk".repeat(300_000),
            event("B")
        ),
    ] {
        let all = pieces_of("a.json", text.as_bytes(), options);
        assert_eq!(all.len(), 3, "{all:.300?}");
        assert_eq!((&*all[0], &*all[2]), ("a.json:1 A", "a.json:3 B"));
        assert!(all[1].contains("more than 70000 bytes"), "{}", all[1]);
    }
}

#[test]
fn the_limit_of_an_element_is_exact() {
    let options = Options {
        max_event_bytes: 100_000,
        ..Options::default()
    };
    let around = event("").len();
    for size in [65_536, 99_999, 100_000, 100_001, 131_072, 199_999, 200_000] {
        let one = event(&"x".repeat(size - around));
        assert_eq!(one.len(), size);
        for text in [
            one.clone(),
            format!("{}\n{one}\n{}", event("A"), event("B")),
            format!("[{},{one},{}]", event("A"), event("B")),
        ] {
            let all = pieces_of("a.json", text.as_bytes(), options);
            let told = all.iter().filter(|p| p.contains("more than 100000 bytes"));
            assert_eq!(told.count(), usize::from(size > 100_000), "{size}");
            let events = all.iter().filter(|p| p.ends_with(['A', 'B', 'x'])).count();
            assert_eq!(events, all.len() - usize::from(size > 100_000), "{size}");
        }
    }
}

#[test]
fn bytes_that_are_not_utf_8_cost_only_their_element() {
    let good = event("A");
    let text = [
        b"[",
        good.as_bytes(),
        b",{\"event_type\":\"\xff\xc3\",\"user_id\":\"u\"},",
        good.as_bytes(),
        b"]",
    ]
    .concat();
    let all = pieces("a.json", text);
    assert_eq!(
        (&*all[0], &*all[2]),
        ("a.json:1 A", "a.json:1 A"),
        "{all:?}"
    );
    assert!(all[1].contains("no UTF-8"), "{}", all[1]);
}
