//! Lone surrogates: `\ud800` without its other half is legal in JSON, and no character.
//!
//! Strict receivers refuse a whole request for one. Each becomes U+FFFD, the replacement
//! character, before anything else reads the text: so a key, a value and a name with one are
//! the same for a filter, on the screen and at Customer.io.

use bytestring::ByteString;

/// The size of an escape such as `\ufffd`, in bytes.
const ESCAPE_BYTES: usize = 6;

/// The text with each lone surrogate replaced. Its length and all positions stay the same. It is
/// copied only if it contains one.
pub fn replaced(text: &ByteString) -> ByteString {
    let bytes = text.as_bytes();
    // Most texts have no escape at all.
    let Some(first) = memchr::memchr(b'\\', bytes) else {
        return text.clone();
    };
    let has = |start: &[u8]| memchr::memmem::find(bytes, start).is_some();
    if !has(br"\ud") && !has(br"\uD") {
        return text.clone();
    }
    let mut lone = Vec::new();
    let mut at = first;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        let start = at + found;
        let (taken, is_lone) = escape(&bytes[start..]);
        if is_lone {
            lone.push(start);
        }
        at = (start + taken).min(bytes.len());
    }
    if lone.is_empty() {
        return text.clone();
    }
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for start in lone {
        out.push_str(&text[copied..start]);
        out.push_str(r"\ufffd");
        copied = start + ESCAPE_BYTES;
    }
    out.push_str(&text[copied..]);
    ByteString::from(out)
}

/// The size of the escape at the start of `bytes`, and whether it is a lone surrogate.
fn escape(bytes: &[u8]) -> (usize, bool) {
    match unit(bytes) {
        Some(0xD800..=0xDBFF) => match bytes.get(ESCAPE_BYTES..).and_then(unit) {
            Some(0xDC00..=0xDFFF) => (2 * ESCAPE_BYTES, false),
            _ => (ESCAPE_BYTES, true),
        },
        Some(0xDC00..=0xDFFF) => (ESCAPE_BYTES, true),
        Some(_) => (ESCAPE_BYTES, false),
        // `\\`, `\"` and the like: the second byte begins no escape.
        None => (2, false),
    }
}

/// The UTF-16 unit of the escape `\uXXXX` at the start of `bytes`.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(br"\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(text: &str) -> String {
        replaced(&ByteString::from(text)).to_string()
    }

    #[test]
    fn each_lone_surrogate_becomes_one_replacement_character() {
        for (text, expected) in [
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""a\uDFFFb""#, r#""a\ufffdb""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud83dx\ude00""#, r#""\ufffdx\ufffd""#),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""\\\ud800""#, r#""\\\ufffd""#),
            (r#""\"\ud800\"""#, r#""\"\ufffd\"""#),
            (r#""\ud8""#, r#""\ud8""#),
            (r"\ud800", r"\ufffd"),
            ("\\", "\\"),
            ("\\ud\\", "\\ud\\"),
        ] {
            assert_eq!(after(text), expected, "{text}");
        }
    }

    #[test]
    fn text_without_a_lone_surrogate_is_not_copied() {
        let text = ByteString::from_static(r#"{"a":"\u00e9 \\ud800"}"#);
        assert_eq!(replaced(&text).as_ptr(), text.as_ptr());
    }

    proptest! {
        /// Any escaped units can be parsed afterwards, like the result of JavaScript's `toWellFormed`.
        #[test]
        fn any_escaped_units_can_be_parsed(units in proptest::collection::vec(
            prop_oneof![0xD7F0_u16..0xE010, any::<u16>()], 0..12,
        )) {
            let escaped: Vec<String> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let text = after(&format!("\"{}\"", escaped.concat()));
            let read: String = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn any_text_keeps_its_length(text in "[\\\\ud8cf\"é]{0,40}") {
            prop_assert_eq!(after(&text).len(), text.len());
        }
    }
}
