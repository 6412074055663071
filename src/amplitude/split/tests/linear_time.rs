//! The bound on visited bytes.

use super::*;

/// Maximum visits per byte, on average, for any text.
const MAX_VISITS: usize = 12;

pub(super) fn assert_linear(text: &str) {
    let outcome = split(text);
    assert!(
        outcome.visited_bytes <= MAX_VISITS * text.len() + 64,
        "{} bytes were visited for {}: {:?}…",
        outcome.visited_bytes,
        text.len(),
        text.chars().take(80).collect::<String>()
    );
}

#[test]
fn adversarial_texts_are_read_in_linear_time() {
    for piece in [
        "\"\"\\\"events\":[\"\n},{][\"a\":},{",
        "{\"\"\\\"events\":[]}",
        "{\"events\":[{]}{\"a\":[",
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
