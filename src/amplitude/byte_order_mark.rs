//! The byte order mark that editors and spreadsheets on Windows put in front of a text: it is
//! no part of it.

/// U+FEFF in UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The text without a byte order mark in front.
pub fn without(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The bytes without a byte order mark in front.
pub fn without_bytes(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_in_front_is_taken_off_and_nothing_else() {
        for (text, expected) in [("\u{feff}a", "a"), ("a\u{feff}", "a\u{feff}"), ("", "")] {
            assert_eq!(without(text), expected);
            assert_eq!(without_bytes(text.as_bytes()), expected.as_bytes());
        }
    }
}
