//! Every form of a frame, and what is malformed in it.

use super::*;

fn read(frame: &str) -> Vec<Result<String, Malformed>> {
    let mut all = Vec::new();
    decode(&ByteString::from(frame), 7, "message_id", |one| {
        all.push(one.map(|e| e.event_type().unwrap_or_default().into_owned()));
    });
    all
}

fn types(frame: &str) -> Vec<String> {
    read(frame).into_iter().map(|e| e.unwrap()).collect()
}

#[test]
fn every_form_of_a_frame_yields_its_events_in_order() {
    let table: &[(&str, &[&str])] = &[
        (r#"{"event_type":"a"}"#, &["a"]),
        ("  {\n \"event_type\" : \"a\" }\n", &["a"]),
        (r#"[{"event_type":"a"},{"event_type":"b"}]"#, &["a", "b"]),
        (
            "{\"event_type\":\"a\"}\n{\"event_type\":\"b\"}\n\n",
            &["a", "b"],
        ),
        (
            r#"{"api_key":"k","events":[{"event_type":"a"},{"event_type":"b"}],"options":{}}"#,
            &["a", "b"],
        ),
        ("[]", &[]),
    ];
    for (frame, expected) in table {
        assert_eq!(types(frame), *expected, "{frame}");
    }
}

#[test]
fn fields_are_found_after_leading_space_and_in_every_element() {
    let frame = ByteString::from(
        " [ {\"user_id\":\"u-1\",\"time\":1751254672846,\"insert_id\":\"i\",\"event_type\":\"a\"} ]",
    );
    decode(&frame, 7, "message_id", |event| {
        let event = event.unwrap();
        assert_eq!(event.user_id().as_deref(), Some("u-1"));
        assert_eq!(event.time(), Ok(1_751_254_672_846));
        assert_eq!(event.insert_id().as_deref(), Some("i"));
        assert_eq!(event.received_ms(), 7);
    });
}

#[test]
fn a_broken_line_costs_only_itself_and_says_where_it_broke() {
    let all = read("{\"event_type\":\"a\"}\n{\"event_type\": oops}\n{\"event_type\":\"c\"}");
    assert_eq!(all.len(), 3);
    let broken = all[1].as_ref().unwrap_err();
    assert_eq!(broken.at_byte, 19 + 15);
    assert!(broken.why.contains("expected value"), "{broken}");
    assert!(broken.near.contains("oops"), "{broken}");
    assert_eq!(all[2].as_deref(), Ok("c"));
}

#[test]
fn a_byte_order_mark_is_removed() {
    for frame in [
        "\u{feff}{\"event_type\":\"a\"}",
        "\u{feff}[{\"event_type\":\"a\"}]",
        "\u{feff} {\"events\":[{\"event_type\":\"a\"}]}",
    ] {
        assert_eq!(types(frame), ["a"], "{frame}");
    }
}

#[test]
fn very_many_malformed_parts_are_reported_as_the_first_few_and_a_count() {
    let lines = 500_000;
    let all = read(&"1\n".repeat(lines));
    assert_eq!(all.len() as u64, REPORTED_PARTS + 1);
    let parts = |one: &Result<String, Malformed>| one.as_ref().unwrap_err().parts;
    assert_eq!(all.iter().map(parts).sum::<u64>(), lines as u64);
    let last = all.last().unwrap().as_ref().unwrap_err();
    assert!(last.why.starts_with("499984 more parts"), "{last}");
    assert_eq!(last.at_byte as u64, 2 * REPORTED_PARTS);
    let long = read(&"x".repeat(1 << 20));
    let long = long[0].as_ref().unwrap_err();
    assert!(long.near.len() < 100 && long.why.len() < 100, "{long}");
    assert_eq!(long.size_bytes, 1 << 20);
}

#[test]
fn text_that_is_not_an_event_is_malformed_and_never_a_panic() {
    for frame in [
        "",
        "   ",
        "hello",
        "12",
        "null",
        "\"text\"",
        "{",
        "[",
        "[{]",
        "{\"a\":1}",
        "[1,2]",
        "{\"events\":[}",
        "{\"event_type\":\"\u{1F600}",
        "\u{FEFF}{}",
        "}}}}",
    ] {
        let all = read(frame);
        assert!(
            !all.is_empty() && all.iter().all(Result::is_err),
            "{frame:?}: {all:?}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_decoder_panic(text in "[\\PC\\n{}\\[\\]\":,]{0,200}") {
        read(&text);
    }
}
