//! Finds the elements of a text: one event, an array, newline-delimited events, HTTP V2
//! envelopes, or several of these one behind the other, on one line each or on many.
//!
//! A broken element costs itself only. Valid text is read once. Where an element is broken,
//! [`scan`] looks once for the place where the next one may begin. What the failed attempt had
//! read beyond that place is not read as a whole again: up to there, each element is first
//! scanned for its end and then read by itself. So every byte is visited a fixed number of times
//! at the most, whatever it is.
//!
//! The text may also be a window of a longer one: then an element that its end cuts is left, and
//! asked for again with more text.

mod fault;
mod recovery;
mod scan;

use bytestring::ByteString;

use super::byte_order_mark::BYTE_ORDER_MARK;
use super::event::{Event, NotAnEvent};
use super::frame::Malformed;
use super::time::UnixMs;
pub(super) use fault::malformed;
use fault::no_object;
use scan::{Around, Scan};

/// How a text is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Whether the text does not go on behind its end, as a window does.
    pub is_whole: bool,
    /// When the text was received.
    pub received_ms: UnixMs,
    /// The name of the feed's own message id.
    pub message_id_field: &'a str,
    /// Whether any object will do: then none is looked into, for an event's fields or a list.
    pub any_object: bool,
}

/// What the splitter came to.
#[derive(Debug)]
pub(super) enum Step {
    /// An event, or what is broken.
    Found(Result<Event, Malformed>),
    /// The text ends within an element.
    More,
    /// The text is at its end.
    End,
}

/// Where the splitter is in a text.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// The byte that comes next.
    at: usize,
    inside: Inside,
    comma: Comma,
    /// The end of what a failed attempt has read.
    read_upto: usize,
    /// Whether what came last is damage: what is only a consequence of it is not told again.
    is_damaged: bool,
    /// The fault of a broken envelope, until some of its damage is told.
    owed: Option<(usize, String)>,
    line: Line,
    has_content: bool,
    #[cfg(test)]
    visited_bytes: usize,
}

/// What the next element stands in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Inside {
    #[default]
    Nothing,
    /// An array.
    Array,
    /// The list of an envelope that was read whole; it ends there.
    Envelope(usize),
    /// The list of an envelope that is broken, or larger than the window.
    OpenEnvelope,
    /// What comes behind that list.
    EnvelopeTail,
}

/// What is expected in a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Comma {
    /// An element, or the end: the list begins.
    #[default]
    First,
    /// An element.
    Behind,
    /// A comma, or the end.
    Wanted,
    /// Anything: something is broken here.
    Either,
}

/// The white space in front of the line that was looked at last.
#[derive(Debug, Clone, Copy)]
struct Line {
    indent: usize,
    /// How far lines were looked for.
    upto: usize,
    /// Whether the text begins a line.
    is_first: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            indent: 0,
            upto: 0,
            is_first: true,
        }
    }
}

impl Splitter {
    /// How far it came: what lies before is done with.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether nothing but white space has come.
    pub(super) fn is_blank(&self) -> bool {
        !self.has_content
    }

    /// Goes on in a text that begins where this one stands in `text`.
    pub(super) fn rebase(&mut self, text: &[u8]) {
        self.indent(text);
        self.line.upto = 0;
        let by = std::mem::take(&mut self.at);
        self.read_upto = self.read_upto.saturating_sub(by);
        if let Some((broke, _)) = &mut self.owed {
            *broke = broke.saturating_sub(by);
        }
        if let Inside::Envelope(end) = &mut self.inside {
            *end = end.saturating_sub(by);
        }
    }

    /// Passes over the element that comes next, up to `end`: it was dealt with otherwise.
    pub(super) fn pass_over(&mut self, end: usize) {
        self.at = end;
        self.comma = Comma::Either;
        self.is_damaged = true;
    }

    /// A scan for the end of the element that comes next.
    pub(super) fn scan(&mut self, text: &[u8]) -> Scan {
        Scan::new(Around {
            in_list: self.in_list(),
            indent: self.indent(text),
        })
    }

    /// The next element.
    pub(super) fn next(&mut self, text: &ByteString, with: Reading<'_>) -> Step {
        loop {
            self.skip_space(text);
            let Some(&byte) = text.as_bytes().get(self.at) else {
                return self.at_the_end(with.is_whole);
            };
            self.has_content = true;
            let found = match (self.inside, byte) {
                (Inside::EnvelopeTail, _) => self.tail(text, with.is_whole),
                (Inside::Nothing, b'[') => {
                    self.at += 1;
                    self.enter(Inside::Array);
                    continue;
                }
                (Inside::Nothing, b'{') => self.element(text, with),
                (Inside::Nothing, b',' | b';' | b']' | b'}') => {
                    self.stray(text, "a separator without a list")
                }
                (Inside::Nothing, _) => Some(self.junk(text, byte, with.is_whole)),
                (_, b',' | b']' | b'}') => self.punctuation(text, byte),
                _ if self.comma == Comma::Wanted => {
                    self.comma = Comma::Either;
                    self.damage(text, self.at, "a comma is missing")
                }
                _ => self.element(text, with),
            };
            if let Some(step) = found {
                return step;
            }
        }
    }

    fn in_list(&self) -> bool {
        !matches!(self.inside, Inside::Nothing | Inside::EnvelopeTail)
    }

    fn enter(&mut self, list: Inside) {
        self.inside = list;
        self.comma = Comma::First;
    }

    fn leave(&mut self) {
        self.inside = match self.inside {
            Inside::Envelope(end) => {
                self.at = end;
                Inside::Nothing
            }
            Inside::OpenEnvelope => Inside::EnvelopeTail,
            _ => Inside::Nothing,
        };
    }

    fn skip_space(&mut self, text: &str) {
        let bytes = text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                self.at += 1;
            } else if bytes[self.at..].starts_with(BYTE_ORDER_MARK) {
                self.at += BYTE_ORDER_MARK.len();
            } else {
                return;
            }
        }
    }

    fn at_the_end(&mut self, is_whole: bool) -> Step {
        match self.inside {
            _ if !is_whole => Step::More,
            Inside::Nothing => Step::End,
            _ => {
                self.inside = Inside::Nothing;
                self.owed = None;
                if self.is_damaged {
                    return Step::End;
                }
                Step::Found(Err(Malformed {
                    at_byte: self.at,
                    why: "the list is not closed".to_owned(),
                    near: String::new(),
                    from_byte: self.at,
                    size_bytes: 0,
                    parts: 1,
                }))
            }
        }
    }

    /// A comma, or a bracket that closes, in a list.
    fn punctuation(&mut self, text: &str, byte: u8) -> Option<Step> {
        match (byte, self.comma) {
            (b']', Comma::Behind) => {
                let told = self.damage(text, self.at, "a comma without an element behind it");
                self.at += 1;
                self.leave();
                told
            }
            (b']', _) => {
                self.at += 1;
                self.leave();
                None
            }
            (b',', Comma::Wanted | Comma::Either) => {
                self.at += 1;
                self.comma = Comma::Behind;
                None
            }
            (b',', _) => self.stray(text, "a comma without an element in front of it"),
            _ => self.stray(text, "a brace too many"),
        }
    }

    /// A byte that stands where nothing calls for it.
    fn stray(&mut self, text: &str, why: &str) -> Option<Step> {
        self.comma = Comma::Either;
        let told = self.damage(text, self.at, why);
        self.at += 1;
        told
    }

    /// Damage between elements; nothing where it follows from what was told before it.
    fn damage(&mut self, text: &str, at: usize, why: &str) -> Option<Step> {
        self.owed = None;
        if std::mem::replace(&mut self.is_damaged, true) {
            return None;
        }
        let told = malformed(text, (at, at + 1), at, why.to_owned());
        Some(Step::Found(Err(told)))
    }

    /// Text that is neither a list nor an object: the line goes with it.
    fn junk(&mut self, text: &str, byte: u8, is_whole: bool) -> Step {
        let rest = &text.as_bytes()[self.at..];
        let line = memchr::memchr(b'\n', rest);
        self.visit(line.unwrap_or(rest.len()));
        let end = match line {
            Some(line) => self.at + line,
            None if is_whole => text.len(),
            None => return Step::More,
        };
        self.broken(text, end, self.at, no_object(byte))
    }

    fn element(&mut self, text: &ByteString, with: Reading<'_>) -> Option<Step> {
        if text.as_bytes()[self.at] != b'{' {
            let Some(end) = self.end_of_broken(text, with.is_whole) else {
                return Some(Step::More);
            };
            let why = no_object(text.as_bytes()[self.at]);
            return Some(self.broken(text, end, self.at, why));
        }
        // What a failed attempt has read is read again only within an end that is known.
        let mut end = None;
        if self.at < self.read_upto {
            end = self.end_of_broken(text, with.is_whole);
            if end.is_none() {
                return Some(Step::More);
            }
        }
        // Places in an event are kept in 32 bits: what is longer is cut off.
        let longest = text.floor_char_boundary(self.at.saturating_add(u32::MAX as usize));
        let part = &text[self.at..end.unwrap_or(text.len()).min(longest)];
        let error = match Event::read(
            &text.slice_ref(part),
            with.received_ms,
            with.message_id_field,
        ) {
            Ok((event, used)) => return self.found(text, event, used, with),
            Err(NotAnEvent::Json(error)) => error,
            Err(error @ NotAnEvent::Foreign) => {
                let why = error.to_string();
                return Some(self.broken(text, self.at + part.len(), self.at, why));
            }
        };
        self.visit(error.at);
        // A number that is cut is told as a wrong one.
        let is_cut_off = error.is_cut_off() || error.at >= part.len();
        if end.is_none() && is_cut_off && !with.is_whole {
            return self.cut_off(text, with);
        }
        self.failed(text, with, end, &error)
    }

    /// An event was read, or an envelope around some.
    fn found(
        &mut self,
        text: &ByteString,
        event: Event,
        used: usize,
        with: Reading<'_>,
    ) -> Option<Step> {
        self.visit(used);
        let start = self.at;
        self.at += used;
        self.is_damaged = false;
        self.comma = Comma::Wanted;
        if with.any_object {
            return Some(Step::Found(Ok(event)));
        }
        if self.inside == Inside::Nothing
            && let Some(list) = event.envelope()
        {
            let behind = self.at;
            self.at = list.as_ptr() as usize - text.as_ptr() as usize + 1;
            self.enter(Inside::Envelope(behind));
            return None;
        }
        let found = event
            .check()
            .map_err(|error| malformed(text, (start, start + used), start, error.to_string()));
        Some(Step::Found(found))
    }

    /// Counts what was looked at: tests hold it against the length of the text.
    #[cfg(test)]
    fn visit(&mut self, bytes: usize) {
        self.visited_bytes += bytes;
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "only tests count")]
    fn visit(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests;
