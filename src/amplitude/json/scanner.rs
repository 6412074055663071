//! A fast scan over the entries of a JSON object: it finds the end of each value, and builds nothing.
//!
//! The scanner takes only a part of JSON: no key with an escape, and no value that is nested as deep
//! as event data may be. It stops at anything else, and `serde_json` decides instead. So it must never
//! accept what `serde_json` refuses, or find another end (a property test and a fuzz target compare
//! them); refusing too much only costs time.

use std::ops::Range;

/// Maximum depth of a value: with the object around it, as deep as event data may be. A word has a
/// bit for each.
const MAX_DEPTH: u32 = super::depth::MAX_DEPTH as u32 - 1;
const _: () = assert!(MAX_DEPTH < u64::BITS);
/// Digits up to which a number without an exponent fits a 64-bit float.
const MAX_PLAIN_DIGITS: usize = 308;
/// The part of a string that is searched word by word, before a search over all of it pays.
const SHORT_BYTES: usize = 64;

/// The position in an object.
#[derive(Debug)]
pub(super) struct Scanner<'a, 'k> {
    text: &'a str,
    at: usize,
    is_plain: bool,
    /// Values that were scanned before, by their positions.
    known: &'k [Range<usize>],
}

/// The end of a scan, and whether its values were plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// The bytes from the start of the text to the end of the object.
    pub bytes: usize,
    /// Whether every number fits a 64-bit float and the object is at most [`MAX_DEPTH`] deep, as far
    /// as a scan can tell. If not, both have to be looked at.
    ///
    /// [`MAX_DEPTH`]: super::depth::MAX_DEPTH
    pub is_plain: bool,
}

impl<'a, 'k> Scanner<'a, 'k> {
    /// Scans `text`, and passes over the objects and arrays at the positions `known`, which were scanned
    /// before.
    pub(super) fn new(text: &'a str, known: &'k [Range<usize>]) -> Self {
        Self {
            text,
            at: 0,
            is_plain: true,
            known,
        }
    }

    /// Calls `visit` with each entry of the object that the text starts with. None if the text has
    /// to be parsed in another way; the entries that were visited are entries of the object still.
    pub(super) fn entries(mut self, mut visit: impl FnMut(&'a str, &'a str)) -> Option<Scanned> {
        self.skip_space();
        self.expect(b'{')?;
        self.skip_space();
        if self.peek()? != b'}' {
            loop {
                let key = self.key()?;
                let start = self.at;
                self.value()?;
                visit(key, &self.text[start..self.at]);
                self.skip_space();
                match self.peek()? {
                    b',' => self.at += 1,
                    b'}' => break,
                    _ => return None,
                }
                self.skip_space();
            }
        }
        Some(Scanned {
            bytes: self.at + 1,
            is_plain: self.is_plain,
        })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes a key of the object and the colon after it.
    fn key(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        if self.string()? {
            return None;
        }
        let key = &self.text[start..self.at - 1];
        self.colon()?;
        Some(key)
    }

    fn colon(&mut self) -> Option<()> {
        self.skip_space();
        self.expect(b':')?;
        self.skip_space();
        Some(())
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' | b'[' => {
                if let Some(value) = self.known.iter().find(|value| value.start == self.at) {
                    self.at = value.end;
                    return Some(());
                }
                self.container()
            }
            _ => self.scalar(),
        }
    }

    /// Takes an object or an array, without recursion.
    fn container(&mut self) -> Option<()> {
        // One bit for each open bracket, the innermost last: whether it is a brace.
        let (mut braces, mut depth) = (0_u64, 0_u32);
        loop {
            // A value begins here.
            match self.peek()? {
                opening @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return None;
                    }
                    let is_object = opening == b'{';
                    braces = braces << 1 | u64::from(is_object);
                    depth += 1;
                    self.at += 1;
                    self.skip_space();
                    let is_empty = self.peek()? == closing(is_object);
                    if !is_empty {
                        if is_object {
                            self.inner_key()?;
                        }
                        continue;
                    }
                }
                _ => {
                    self.scalar()?;
                    self.skip_space();
                }
            }
            // Behind a value, or at the end of an empty container.
            loop {
                let is_object = braces & 1 == 1;
                let byte = self.peek()?;
                self.at += 1;
                if byte == b',' {
                    self.skip_space();
                    if is_object {
                        self.inner_key()?;
                    }
                    break;
                }
                if byte != closing(is_object) {
                    return None;
                }
                braces >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Some(());
                }
                self.skip_space();
            }
        }
    }

    /// Takes a key inside a value. It may have escapes, as nobody reads it here.
    fn inner_key(&mut self) -> Option<()> {
        self.string()?;
        self.colon()
    }

    fn scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number(),
        }
    }

    fn literal(&mut self, word: &str) -> Option<()> {
        let rest = &self.text.as_bytes()[self.at..];
        rest.starts_with(word.as_bytes())
            .then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits_or_none()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.is_plain = false;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits_or_none()?;
        }
        self.is_plain &= self.at - start <= MAX_PLAIN_DIGITS;
        Some(())
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes at least one digit.
    fn digits_or_none(&mut self) -> Option<()> {
        let start = self.at;
        self.digits();
        (self.at > start).then_some(())
    }

    /// Takes a string. Returns whether it has escapes.
    fn string(&mut self) -> Option<bool> {
        self.expect(b'"')?;
        let mut has_escapes = false;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            self.at += plain_bytes(rest);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(has_escapes);
                }
                b'\\' => {
                    has_escapes = true;
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let escape = self.text.as_bytes().get(self.at + 1..)?;
        match escape {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 2,
            [b'u', digits @ ..] => {
                let digits = digits.get(..4)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }
}

fn closing(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}

/// The number of bytes before the first quote, backslash or control character.
fn plain_bytes(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = text[at..].first_chunk() {
        let special = specials(u64::from_le_bytes(*word));
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += size_of::<u64>();
        if at >= SHORT_BYTES {
            return at + plain_bytes_of_long(&text[at..]);
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let rest = &text[at..];
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// A word in which the highest bit of each byte marks a quote, a backslash or a control character of
/// `word`. Only the lowest mark is exact: a carry may set marks above one that is right.
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    // A byte is below `n`, which is at most 0x80, if subtracting `n` borrows and its own highest bit
    // is not set.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word;
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    (below(word, 0x20) | quote | backslash) & HIGHEST
}

fn plain_bytes_of_long(text: &[u8]) -> usize {
    let end = memchr::memchr2(b'"', b'\\', text).unwrap_or(text.len());
    let plain = &text[..end];
    // Without an early exit, the least byte takes a few instructions for many bytes.
    if plain.iter().copied().fold(u8::MAX, u8::min) < 0x20 {
        return plain.iter().position(|byte| *byte < 0x20).unwrap_or(end);
    }
    end
}
