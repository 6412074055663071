//! Whatever comes from outside ends in a value or in words: times, frames, dead letters' requests.
//! (Archives, bodies, answers and conditions have their property tests beside them.)
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use proptest::prelude::*;
use sluicegate::amplitude::export::Hour;
use sluicegate::amplitude::{Reading, frame, time};
use sluicegate::customerio::Mapping;
use sluicegate::limits::{Policies, check_alone};
use sluicegate::text::duration;
use sluicegate::tui::widget::json;

/// Texts that are nearly times.
fn times() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "2025-06-30",
        "03:37:52",
        "T",
        " ",
        ".846000",
        "Z",
        "+02:00",
        "-",
        ":",
        "9999",
        "-9999",
        "00",
        "1751254672846",
        "1e12",
        "1e999",
        "-1e400",
        "9223372036854775807",
        "é",
        "\"",
        "\\u0041",
        "\\ud800",
        "null",
        "true",
        "[UTC]",
        "0",
        "\u{0}",
        "٣",
    ]);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Values of every kind, and some that no parser holds.
fn values() -> impl Strategy<Value = String> {
    let scalar = prop::sample::select(vec![
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e999",
        "-9223372036854775808",
        "18446744073709551616",
        "\"\"",
        "\" \"",
        "\"é\"",
        "\"\\ud800\"",
        "\"2025-06-30 03:37:52\"",
        "\"9999-12-31 23:59:59\"",
        "\"-9999-01-01T00:00:00Z\"",
        "1",
        "9000000000000000",
        "{}",
        "[]",
        "{\"$set\":{\"a\":1}}",
        "{\"a\":{\"b\":[1,{\"c\":null}]}}",
        "\"{\\\"a\\\":1}\"",
    ]);
    scalar.prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_text_is_too_much_for_a_time(text in times(), any in "\\PC{0,30}") {
        for text in [&text, &any] {
            let _ = time::parse(text);
            let _ = time::parse(&format!("\"{text}\""));
            if let Ok(hour) = text.parse::<Hour>() {
                hour.name();
            }
        }
    }

    #[test]
    fn no_number_is_too_much_for_a_clock(ms in prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)]) {
        time::to_export(ms);
        time::to_clock(ms);
        time::to_clock_seconds(ms);
        time::to_digits(ms, 14);
        duration(ms);
    }

    /// An event whose fields are of any kind is mapped, measured and shown.
    #[test]
    fn no_event_is_too_much_for_what_reads_it(
        fields in prop::collection::btree_map(
            prop::sample::select(vec![
                "event_type", "user_id", "device_id", "time", "event_time", "client_event_time",
                "insert_id", "$insert_id", "uuid", "event_properties", "user_properties", "groups",
                "group_properties", "price", "revenue", "message_id", "\\ud800", "é", "",
            ]),
            values(),
            1..12,
        ),
        now in prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(1_800_000_000_000)],
    ) {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let text = format!("{{{}}}", fields.join(","));
        frame::decode(&text.as_str().into(), 1_800_000_000_000, "message_id", |found| {
            let Ok(event) = found else { return };
            check_alone(&event, &Mapping::default(), &Policies::default(), now, false);
            Mapping::default().map(&Reading::new(&event), Vec::new());
            json::lines(event.text(), &std::collections::BTreeSet::new());
        });
    }
}
