//! The words that the limits' sentences share.

use std::borrow::Cow;

use super::Breach;
use crate::text::{grouped, visible};

pub(super) fn breach(measured: usize, path: impl Into<Cow<'static, str>>, says: String) -> Breach {
    Breach {
        measured: measured as u64,
        path: path.into(),
        says,
    }
}

/// A breach where `measured` bytes are over `limit`; `what` tells the path and the thing measured.
pub(super) fn over(
    measured: usize,
    limit: usize,
    what: impl FnOnce() -> (String, String),
) -> Option<Breach> {
    (measured > limit).then(|| {
        let (path, thing) = what();
        let says = format!(
            "{thing} is {} B, {} B are allowed",
            grouped(measured as u64),
            grouped(limit as u64)
        );
        breach(measured, path, says)
    })
}

/// A value for a sentence: quoted, short, and without anything that a terminal obeys.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).map(visible).collect();
    let more = if text.chars().nth(40).is_some() {
        "…"
    } else {
        ""
    };
    format!("{short:?}{more}")
}

/// A name for a sentence: short, and without anything that a terminal obeys.
pub(super) fn shown_key(key: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = key.chars().take(SHOWN).map(visible).collect();
    if key.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

/// The first few of some names, with a count of the others: `a, b, c and 12 more`.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const FEW: usize = 5;
    let mut names = names.into_iter();
    let first: Vec<String> = names.by_ref().take(FEW).map(shown_key).collect();
    match names.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
