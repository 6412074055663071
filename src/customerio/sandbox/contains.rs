//! Texts that select what a fault meets.

/// Whether these bytes contain a text. An absent or empty text is in none.
pub(super) fn contains(bytes: &[u8], text: Option<&String>) -> bool {
    text.is_some_and(|text| {
        !text.is_empty() && memchr::memmem::find(bytes, text.as_bytes()).is_some()
    })
}
