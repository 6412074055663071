//! Names and values in the limits' sentences.

use crate::text::{excerpt, visible};

/// A value in quotes, at most 40 characters, without control characters.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).map(visible).collect();
    let more = if text.chars().nth(40).is_some() {
        "…"
    } else {
        ""
    };
    format!("{short:?}{more}")
}

/// A name, shortened to 60 characters and `…`, without control characters.
pub(super) fn short_name(name: &str) -> String {
    const NAME_CHARS: usize = 61;
    excerpt(name, NAME_CHARS)
}

/// The first five names, and the count of the others: `a, b, c, d, e and 12 more`.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const FEW: usize = 5;
    let mut names = names.into_iter();
    let first: Vec<String> = names.by_ref().take(FEW).map(short_name).collect();
    match names.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
