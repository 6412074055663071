//! Applies `include`, `exclude` and `dates` to everything that is sent of an event.
//!
//! Every value that is sent to Customer.io, in an event's attributes or in an identify, passes
//! [`Selection::value`] or [`Selection::entry`].
//!
//! A path consists of the keys above a value. Two things are not part of a path: an array, whose
//! elements have the array's own path; and an operation of the SDKs (`$set`), so that
//! `user_properties.email` matches `user_properties.$set.email` too. A key that contains dots is
//! matched by its text. `exclude` takes precedence over `include`.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use crate::amplitude::json::{self, Entries, Kind, ObjectWriter};
use crate::amplitude::time;

use super::settings::{Dates, Mapping, is_above, is_at_or_above};

/// The operations on properties in the SDKs' `$identify` and `$groupidentify` events.
/// Source: Amplitude, Identify API.
const OPERATIONS: [&str; 10] = [
    "$set",
    "$setOnce",
    "$add",
    "$append",
    "$prepend",
    "$preInsert",
    "$postInsert",
    "$remove",
    "$unset",
    "$clearAll",
];

/// Whether a key below `part` is an operation, not a property.
fn is_operation(part: &str, key: &str) -> bool {
    matches!(part, "user_properties" | "group_properties") && OPERATIONS.contains(&key)
}

/// The settings that select the values to be sent.
#[derive(Debug)]
pub(super) struct Selection<'m> {
    include: Vec<Cow<'m, str>>,
    exclude: Vec<Cow<'m, str>>,
    unix_dates: bool,
}

impl<'m> Selection<'m> {
    /// The selection of these settings; none if all values are sent unchanged.
    pub(super) fn of(mapping: &'m Mapping) -> Option<Self> {
        let unix_dates = mapping.dates == Dates::Unix;
        if mapping.include.is_empty() && mapping.exclude.is_empty() && !unix_dates {
            return None;
        }
        let paths = |all: &'m [String]| all.iter().map(|path| without_operation(path)).collect();
        Some(Self {
            include: paths(&mapping.include),
            exclude: paths(&mapping.exclude),
            unix_dates,
        })
    }

    /// The part or field `name` as it is sent; none if it isn't.
    pub(super) fn value<'v>(&self, raw: &'v str, name: &str) -> Option<Cow<'v, str>> {
        if self.excludes(name) {
            return None;
        }
        self.copy(raw, &mut Path::new(name), self.includes(name))
    }

    /// The value under `key` of the part `name` as it is sent; none if it isn't.
    pub(super) fn entry<'v>(&self, raw: &'v str, name: &str, key: &str) -> Option<Cow<'v, str>> {
        if self.excludes(name) {
            return None;
        }
        self.copy_below(raw, &mut Path::new(name), key, self.includes(name))
    }

    fn excludes(&self, path: &str) -> bool {
        self.exclude.iter().any(|out| is_at_or_above(out, path))
    }

    fn includes(&self, path: &str) -> bool {
        self.include.is_empty() || self.include.iter().any(|p| is_at_or_above(p, path))
    }

    /// Copies the selected parts of a value that is not excluded itself.
    fn copy<'v>(&self, raw: &'v str, path: &mut Path, included: bool) -> Option<Cow<'v, str>> {
        let all = || self.include.iter().chain(&self.exclude);
        let deeper = all().any(|p| is_above(&path.text, p));
        let is_filtered = deeper || (included && self.unix_dates);
        match json::kind(raw) {
            Kind::Object | Kind::Array if is_filtered && path.depth >= json::MAX_DEPTH => {
                // A value that is not parsed may contain excluded values.
                (included && !deeper).then_some(Cow::Borrowed(raw))
            }
            Kind::Object if is_filtered => self.copy_object(raw, path, included),
            Kind::Array if is_filtered => self.copy_array(raw, path, included),
            _ if !included => None,
            Kind::String if self.unix_dates => Some(unix_seconds(raw)),
            _ => Some(Cow::Borrowed(raw)),
        }
    }

    fn copy_object(&self, raw: &str, path: &mut Path, included: bool) -> Option<Cow<'static, str>> {
        let mut entries = json::entries(raw)?;
        keep_last_of_each(&mut entries);
        let mut out = Vec::with_capacity(raw.len());
        let mut object = ObjectWriter::new(&mut out);
        let mut is_empty = true;
        for (key, value) in entries {
            if let Some(value) = self.copy_below(value, path, &key, included) {
                object.entry(&key, value.as_bytes());
                is_empty = false;
            }
        }
        object.end();
        (included || !is_empty).then(|| text(out))
    }

    fn copy_below<'v>(
        &self,
        raw: &'v str,
        path: &mut Path,
        key: &str,
        included: bool,
    ) -> Option<Cow<'v, str>> {
        let before = path.enter(key);
        let excluded = self.excludes(&path.text);
        let included = included || self.includes(&path.text);
        if !excluded && is_operation(&path.text[..before], key) {
            path.text.truncate(before);
        }
        let copied = if excluded {
            None
        } else {
            self.copy(raw, path, included)
        };
        path.leave(before);
        copied
    }

    fn copy_array(&self, raw: &str, path: &mut Path, included: bool) -> Option<Cow<'static, str>> {
        let elements = json::elements(raw).ok()?;
        let mut out = Vec::with_capacity(raw.len());
        out.push(b'[');
        path.depth += 1;
        for element in elements {
            if let Some(value) = self.copy(element, path, included) {
                if out.len() > 1 {
                    out.push(b',');
                }
                out.extend_from_slice(value.as_bytes());
            }
        }
        path.depth -= 1;
        let is_empty = out.len() == 1;
        out.push(b']');
        (included || !is_empty).then(|| text(out))
    }
}

/// The path of a value: its keys, joined by dots, and its depth.
struct Path {
    text: String,
    depth: usize,
}

impl Path {
    fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            depth: 0,
        }
    }

    /// Goes down to `key`. Returns the value that [`Self::leave`] needs.
    fn enter(&mut self, key: &str) -> usize {
        let before = self.text.len();
        self.text.push('.');
        self.text.push_str(key);
        self.depth += 1;
        before
    }

    fn leave(&mut self, before: usize) {
        self.text.truncate(before);
        self.depth -= 1;
    }
}

/// A path of the settings without an operation in it, unless the path ends with the operation.
fn without_operation(path: &str) -> Cow<'_, str> {
    let mut parts = path.splitn(3, '.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(part), Some(key), Some(rest)) if is_operation(part, key) => {
            Cow::Owned(format!("{part}.{rest}"))
        }
        _ => Cow::Borrowed(path),
    }
}

/// Removes entries whose key is repeated later: JSON parsers take the last one.
pub(super) fn keep_last_of_each(entries: &mut Entries<'_>) {
    if !has_repeated_key(entries) {
        return;
    }
    let mut seen = FxHashSet::default();
    let mut last: Vec<bool> = entries
        .iter()
        .rev()
        .map(|(key, _)| seen.insert(key.as_ref()))
        .collect();
    // The flags are in reverse order: the last one is the first entry's.
    entries.retain(|_| last.pop().unwrap_or(true));
}

/// Whether a key is repeated in an object.
pub(super) fn has_repeated_key(entries: &Entries<'_>) -> bool {
    const FEW: usize = 16;
    if entries.len() <= FEW {
        let mut rest = entries.as_slice();
        while let [(key, _), others @ ..] = rest {
            if others.iter().any(|(other, _)| other == key) {
                return true;
            }
            rest = others;
        }
        return false;
    }
    let mut seen = FxHashSet::default();
    !entries.iter().all(|(key, _)| seen.insert(key.as_ref()))
}

/// Converts a string that is an ISO date of 1970 or later to Unix seconds, which Customer.io compares
/// as a time. Other values stay; a negative number is not a time for Customer.io.
fn unix_seconds(raw: &str) -> Cow<'_, str> {
    let bytes = raw.as_bytes();
    // "2026-01-31…": a cheap check before the date is parsed.
    let dated =
        bytes.len() > 10 && bytes[1].is_ascii_digit() && bytes[5] == b'-' && bytes[8] == b'-';
    if !dated {
        return Cow::Borrowed(raw);
    }
    match time::parse(raw) {
        Ok(ms) if ms >= 0 => Cow::Owned((ms / 1000).to_string()),
        _ => Cow::Borrowed(raw),
    }
}

/// JSON that was assembled from pieces of UTF-8.
fn text(json: Vec<u8>) -> Cow<'static, str> {
    Cow::Owned(String::from_utf8(json).expect("pieces of text are text"))
}
