//! The byte order mark that editors and spreadsheets on Windows write before a text.

/// U+FEFF in UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The text without a leading byte order mark.
pub fn without(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The bytes without a leading byte order mark.
pub fn without_bytes(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_leading_mark_is_removed() {
        for (text, expected) in [("\u{feff}a", "a"), ("a\u{feff}", "a\u{feff}"), ("", "")] {
            assert_eq!(without(text), expected);
            assert_eq!(without_bytes(text.as_bytes()), expected.as_bytes());
        }
    }
}
