//! Random texts.

use proptest::prelude::*;

use super::linear_time::assert_linear;
use super::*;
use crate::amplitude::malformed::NEAR_BYTES;

/// Concatenated pieces of JSON, and of invalid JSON.
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
            prop_assert!(fault.near.len() <= 2 * NEAR_BYTES + 8);
            let _ = fault.part(&text);
        }
    }

    /// Well-formed events are found, whatever is between them.
    #[test]
    fn events_before_and_after_any_damaged_line_are_found(damage in "[^\n{}\\[\\]\"]{0,30}") {
        let text = format!("{}\n{damage}\n{}\n", event("A"), event("B"));
        let outcome = split(&text);
        prop_assert_eq!(outcome.types(), vec!["A", "B"]);
    }

    #[test]
    fn windows_of_any_size_give_the_same_as_the_whole(
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
