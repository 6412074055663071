//! Reads JSON without building values: an object is the list of its raw entries.

mod depth;
mod scanner;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use scanner::Scanner;

pub use depth::MAX_DEPTH;
pub use scanner::Scanned;

/// The entries of an object in order: the decoded key, and the raw value as received.
pub type Entries<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// Entries that most objects don't exceed.
const FEW: usize = 16;

/// The kind of a JSON value, by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`, or no value at all.
    Null,
    /// `true` or `false`.
    Bool,
    /// Any number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A text that is not JSON.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.why())]
pub struct Broken {
    /// The position at which it stops being JSON, in bytes.
    pub at: usize,
    error: serde_json::Error,
}

impl Broken {
    /// The fault, without line and column.
    pub fn why(&self) -> String {
        let full = self.error.to_string();
        full.split(" at line ").next().unwrap_or(&full).to_owned()
    }

    /// Whether the text ends before the value does.
    pub fn is_cut_off(&self) -> bool {
        self.error.is_eof()
    }
}

/// The kind of a raw value. Text that is no JSON counts as a number.
pub fn kind(raw: &str) -> Kind {
    match raw.as_bytes().first() {
        None | Some(b'n') => Kind::Null,
        Some(b't' | b'f') => Kind::Bool,
        Some(b'"') => Kind::String,
        Some(b'[') => Kind::Array,
        Some(b'{') => Kind::Object,
        Some(_) => Kind::Number,
    }
}

/// The object in `raw` with another entry at its start. `value` is JSON. Text that is not an object
/// is returned unchanged.
pub fn with_first(raw: &str, name: &str, value: &str) -> String {
    let Some(inner) = raw.trim_start().strip_prefix('{') else {
        return raw.to_owned();
    };
    let comma = if inner.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    format!(r#"{{"{name}":{value}{comma}{inner}"#)
}

/// The object in `raw` without the entries of this name. It is borrowed if there are none, and not
/// parsed if it can't contain the name.
pub fn without<'a>(raw: &'a str, name: &str) -> Cow<'a, str> {
    let has = |text: &[u8]| memchr::memmem::find(raw.as_bytes(), text).is_some();
    // A key may contain escapes.
    if !has(name.as_bytes()) && !has(br"\u") {
        return Cow::Borrowed(raw);
    }
    let entries = entries(raw).unwrap_or_default();
    if !entries.iter().any(|(key, _)| key == name) {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut object = ObjectWriter::new(&mut out);
    for (key, value) in entries.iter().filter(|(key, _)| key != name) {
        object.entry(key, value.as_bytes());
    }
    object.end();
    Cow::Owned(String::from_utf8(out).expect("pieces of text are text"))
}

/// The JSON in `raw` on one line. Line breaks in JSON are only white space.
pub fn on_one_line(raw: &str) -> String {
    raw.replace(['\n', '\r'], " ")
}

/// The entries of the object in `raw`; none if it is not an object.
pub fn entries(raw: &str) -> Option<Entries<'_>> {
    entries_knowing(raw, &[])
}

/// Calls `visit` with each entry of the object that `raw` starts with, and returns its end.
///
/// Only keys with escapes are copied. Text after the object is ignored.
pub fn each_entry<'a>(
    raw: &'a str,
    visit: impl FnMut(Cow<'a, str>, &'a str),
) -> Result<Scanned, Broken> {
    each_entry_knowing(raw, &[], visit)
}

/// As [`each_entry`], but passes over the objects and arrays at the positions `known`, which were read
/// before.
fn each_entry_knowing<'a>(
    raw: &'a str,
    known: &[Range<usize>],
    mut visit: impl FnMut(Cow<'a, str>, &'a str),
) -> Result<Scanned, Broken> {
    let mut visited = 0;
    let scanned = Scanner::new(raw, known).entries(|key, value| {
        visited += 1;
        visit(Cow::Borrowed(key), value);
    });
    match scanned {
        Some(scanned) => Ok(scanned),
        None => parse_entries(raw, visited, visit),
    }
}

/// Calls `visit` with each entry after the first `skipped` ones, as `serde_json` parses them.
fn parse_entries<'a>(
    raw: &'a str,
    mut skipped: usize,
    mut visit: impl FnMut(Cow<'a, str>, &'a str),
) -> Result<Scanned, Broken> {
    let visit_others = |key, value| match skipped.checked_sub(1) {
        Some(left) => skipped = left,
        None => visit(key, value),
    };
    let mut read = serde_json::Deserializer::from_str(raw);
    let ended = read.deserialize_map(Each(visit_others));
    // A stream knows the position of its deserializer; nothing more is read.
    let at = read.into_iter::<IgnoredAny>().byte_offset();
    match ended {
        Ok(()) => Ok(Scanned {
            bytes: at,
            is_plain: false,
        }),
        Err(error) => Err(Broken { at, error }),
    }
}

/// Visits the entries of an object.
struct Each<F>(F);
impl<'a, F: FnMut(Cow<'a, str>, &'a str)> Visitor<'a> for Each<F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(Key(key)) = map.next_key()? {
            let value: &'a RawValue = map.next_value()?;
            (self.0)(key, value.get());
        }
        Ok(())
    }
}

/// The entries of the object in `raw`, which was read before, and whose objects and arrays at the
/// positions `known` are not read again.
pub fn entries_knowing<'a>(raw: &'a str, known: &[Range<usize>]) -> Option<Entries<'a>> {
    let mut found = Entries::with_capacity(FEW);
    each_entry_knowing(raw, known, |key, value| found.push((key, value))).ok()?;
    Some(found)
}

/// The raw elements of the array in `raw`.
pub fn elements(raw: &str) -> serde_json::Result<Vec<&str>> {
    let raw: Vec<&RawValue> = serde_json::from_str(raw)?;
    Ok(raw.into_iter().map(RawValue::get).collect())
}

/// The text of a scalar: a string's decoded content, a number or a boolean as written.
/// `null`, arrays and objects have none.
pub fn scalar(raw: &str) -> Option<Cow<'_, str>> {
    match kind(raw) {
        Kind::String => string(raw),
        Kind::Number | Kind::Bool => Some(Cow::Borrowed(raw)),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

/// The content of the JSON string in `raw`, borrowed unless it contains escapes.
pub fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    Some(decode_string(raw))
}

/// Decodes a string with escapes. A lone surrogate, which is valid JSON but not a character, becomes
/// U+FFFD.
fn decode_string(raw: &str) -> Cow<'_, str> {
    serde_json::from_str(raw).map_or_else(
        |_| {
            let mut read = serde_json::Deserializer::from_str(raw);
            let lossy = serde::de::Deserializer::deserialize_bytes(&mut read, LossyText);
            Cow::Owned(lossy.unwrap_or_else(|_| raw.to_owned()))
        },
        Cow::Owned,
    )
}

struct LossyText;
impl Visitor<'_> for LossyText {
    type Value = String;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Appends `text` as a JSON string.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing a string into memory cannot fail");
}

/// Writes a JSON object entry by entry.
#[derive(Debug)]
pub struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> ObjectWriter<'o> {
    /// Begins an object at the end of `out`.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            is_empty: true,
        }
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
    }

    /// Begins an entry; the caller writes its value.
    fn open(&mut self, key: &str) -> &mut Vec<u8> {
        self.separate();
        push_string(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// Adds an entry. `value` is JSON.
    pub fn entry(&mut self, key: &str, value: &[u8]) {
        self.open(key).extend_from_slice(value);
    }

    /// Adds an object that `write` fills, unless it stays empty.
    pub fn object(&mut self, key: &str, write: impl FnOnce(&mut ObjectWriter<'_>)) {
        let (before, was_empty) = (self.out.len(), self.is_empty);
        let mut inner = ObjectWriter::new(self.open(key));
        write(&mut inner);
        if inner.is_empty {
            self.out.truncate(before);
            self.is_empty = was_empty;
        } else {
            inner.end();
        }
    }

    /// Adds all entries of another object unchanged.
    pub fn extend(&mut self, object: &str) {
        let inner = object[1..object.len() - 1].trim();
        if !inner.is_empty() {
            self.separate();
            self.out.extend_from_slice(inner.as_bytes());
        }
    }

    /// Ends the object.
    pub fn end(self) {
        self.out.push(b'}');
    }
}

/// An object's key. Keys with lone surrogates are kept lossily, as values are.
struct Key<'a>(Cow<'a, str>);
impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Text)
    }
}
