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

mod scan;

use bytestring::ByteString;

use super::byte_order_mark::BYTE_ORDER_MARK;
use super::event::{Event, NotAnEvent};
use super::frame::Malformed;
use super::json;
use super::time::UnixMs;
use scan::{Around, Scan};

/// How much is shown of the text around a fault, on either side of it, in bytes.
const NEAR_BYTES: usize = 20;

/// What events are read with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// When the text was received.
    pub received_ms: UnixMs,
    /// The name of the feed's own message id.
    pub message_id_field: &'a str,
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

    /// The next element. `is_whole` says that the text does not go on behind its end.
    pub(super) fn next(&mut self, text: &ByteString, is_whole: bool, with: Reading<'_>) -> Step {
        loop {
            self.skip_space(text);
            let Some(&byte) = text.as_bytes().get(self.at) else {
                return self.at_the_end(is_whole);
            };
            self.has_content = true;
            let found = match (self.inside, byte) {
                (Inside::EnvelopeTail, _) => self.tail(text, is_whole),
                (Inside::Nothing, b'[') => {
                    self.at += 1;
                    self.enter(Inside::Array);
                    continue;
                }
                (Inside::Nothing, b'{') => self.element(text, is_whole, with),
                (Inside::Nothing, b',' | b';' | b']' | b'}') => {
                    self.stray(text, "a separator without a list")
                }
                (Inside::Nothing, _) => self.junk(text, is_whole),
                (_, b',' | b']' | b'}') => self.punctuation(text, byte),
                _ if self.comma == Comma::Wanted => {
                    self.comma = Comma::Either;
                    self.damage(text, self.at, "a comma is missing")
                }
                _ => self.element(text, is_whole, with),
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
    fn junk(&mut self, text: &str, is_whole: bool) -> Option<Step> {
        let rest = &text.as_bytes()[self.at..];
        let line = memchr::memchr(b'\n', rest);
        self.visit(line.unwrap_or(rest.len()));
        let end = match line {
            Some(line) => self.at + line,
            None if is_whole => text.len(),
            None => return Some(Step::More),
        };
        Some(self.broken(text, end, self.at, no_object(rest[0])))
    }

    fn element(&mut self, text: &ByteString, is_whole: bool, with: Reading<'_>) -> Option<Step> {
        if text.as_bytes()[self.at] != b'{' {
            let Some(end) = self.end_of_broken(text, is_whole) else {
                return Some(Step::More);
            };
            let why = no_object(text.as_bytes()[self.at]);
            return Some(self.broken(text, end, self.at, why));
        }
        // What a failed attempt has read is read again only within an end that is known.
        let mut end = None;
        if self.at < self.read_upto {
            end = self.end_of_broken(text, is_whole);
            if end.is_none() {
                return Some(Step::More);
            }
        }
        let part = &text[self.at..end.unwrap_or(text.len())];
        let error = match Event::read(
            &text.slice_ref(part),
            with.received_ms,
            with.message_id_field,
        ) {
            Ok((event, used)) => return self.found(text, event, used),
            Err(NotAnEvent::Json(error)) => error,
            Err(error @ NotAnEvent::Foreign) => {
                let why = error.to_string();
                return Some(self.broken(text, self.at + part.len(), self.at, why));
            }
        };
        self.visit(error.at);
        // A number that is cut is told as a wrong one.
        let is_cut_off = error.is_cut_off() || error.at >= part.len();
        if end.is_none() && is_cut_off && !is_whole {
            return self.cut_off(text);
        }
        self.failed(text, is_whole, end, &error)
    }

    /// An event was read, or an envelope around some.
    fn found(&mut self, text: &ByteString, event: Event, used: usize) -> Option<Step> {
        self.visit(used);
        let start = self.at;
        self.at += used;
        self.is_damaged = false;
        self.comma = Comma::Wanted;
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

    /// An object that the end of the window cuts. An envelope is not asked for whole.
    fn cut_off(&mut self, text: &str) -> Option<Step> {
        if self.inside == Inside::Nothing
            && let Some(list) = self.events_list(text, text.len())
        {
            self.at = list;
            self.enter(Inside::OpenEnvelope);
            return None;
        }
        Some(Step::More)
    }

    /// An object that is no JSON, up to `end` where that is known.
    fn failed(
        &mut self,
        text: &ByteString,
        is_whole: bool,
        end: Option<usize>,
        error: &json::Broken,
    ) -> Option<Step> {
        let Some(end) = end.or_else(|| self.end_of_broken(text, is_whole)) else {
            return Some(Step::More);
        };
        let start = self.at;
        let broke = start + error.at;
        self.read_upto = self.read_upto.max(broke);
        if self.inside == Inside::Nothing
            && let Some(list) = self.events_list(text, end)
        {
            self.at = list;
            self.enter(Inside::OpenEnvelope);
            self.is_damaged = false;
            if broke >= list {
                self.owed = Some((broke, error.why()));
                return None;
            }
            return self.damage(text, broke, &error.why());
        }
        if broke <= end {
            return Some(self.broken(text, end, broke, error.why()));
        }
        // The attempt went on into the next element: by itself this one is cut off.
        let mut cut = start + text[start..end].trim_end().len();
        cut = cut.max(start + 1);
        Some(self.broken(text, end, cut, "the object is cut off".to_owned()))
    }

    /// Goes on behind a broken element, and tells of it.
    fn broken(&mut self, text: &str, end: usize, broke: usize, why: String) -> Step {
        let told = malformed(text, (self.at, end), broke, why);
        self.owed = None;
        self.pass_over(end);
        Step::Found(Err(told))
    }

    /// Where the element that comes next ends; nothing where that lies behind the window.
    fn end_of_broken(&mut self, text: &str, is_whole: bool) -> Option<usize> {
        let mut scan = self.scan(text.as_bytes());
        self.run(&mut scan, text, is_whole)
    }

    fn events_list(&mut self, text: &str, end: usize) -> Option<usize> {
        let part = &text.as_bytes()[self.at..end];
        let list = scan::events_list(part);
        self.visit(list.unwrap_or(part.len()));
        Some(self.at + list?)
    }

    /// Passes over what comes behind the list of a broken envelope, up to its closing brace.
    fn tail(&mut self, text: &str, is_whole: bool) -> Option<Step> {
        let bytes = text.as_bytes();
        let mut scan = self.scan(bytes);
        // The scan begins within the envelope's object.
        scan.step(self.at, b'{');
        let Some(end) = self.run(&mut scan, text, is_whole) else {
            return Some(Step::More);
        };
        let start = std::mem::replace(&mut self.at, end);
        self.inside = Inside::Nothing;
        let (broke, why) = self.owed.take()?;
        self.is_damaged = true;
        Some(Step::Found(Err(malformed(text, (start, end), broke, why))))
    }

    /// Runs a scan up to the end that it finds; nothing where that lies behind the window.
    fn run(&mut self, scan: &mut Scan, text: &str, is_whole: bool) -> Option<usize> {
        let bytes = text.as_bytes();
        let from = self.at;
        let found = (from..bytes.len()).find_map(|at| Some((at, scan.step(at, bytes[at])?)));
        self.visit(found.map_or(bytes.len(), |(at, _)| at + 1) - from);
        match found {
            // At least something is passed over.
            Some((_, end)) => Some(ceil_char_boundary(text, end.max(from + 1))),
            None => is_whole.then(|| scan.end_of_text(bytes.len()).max(from + 1)),
        }
    }

    /// The white space in front of the line that the next element stands on, in bytes.
    fn indent(&mut self, text: &[u8]) -> usize {
        let since = &text[self.line.upto..self.at];
        self.visit(since.len());
        let line = match memchr::memrchr(b'\n', since) {
            Some(newline) => Some(&since[newline + 1..]),
            None => self.line.is_first.then_some(since),
        };
        if let Some(line) = line {
            let spaces = line.iter();
            let spaces = spaces.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
            self.line.indent = spaces.count();
        }
        self.line.upto = self.at;
        self.line.is_first = false;
        self.line.indent
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests count"))]
    fn visit(&mut self, _bytes: usize) {
        #[cfg(test)]
        {
            self.visited_bytes += _bytes;
        }
    }
}

/// What is wrong with an element that begins with this byte: only objects are events.
fn no_object(byte: u8) -> String {
    let what = match byte {
        b'[' => "an event is an object, not a list",
        b'"' => "an event is an object, not a text",
        b'-' | b'0'..=b'9' => "an event is an object, not a number",
        b't' | b'f' | b'n' => "an event is an object, not a bare word",
        _ => "no JSON: expected an event",
    };
    what.to_owned()
}

/// What is told of the part of `text` between these bytes, which broke at `broke`.
pub(super) fn malformed(
    text: &str,
    (from, end): (usize, usize),
    broke: usize,
    why: String,
) -> Malformed {
    let from = text.floor_char_boundary(from);
    let part = text[from..ceil_char_boundary(text, end.max(from))].trim_end();
    // What is cut off breaks behind its last character, not behind the space that follows.
    let end = from + part.len();
    let broke = broke.clamp(from, end);
    let near_from = text.floor_char_boundary(broke.saturating_sub(NEAR_BYTES).max(from));
    let near_end = ceil_char_boundary(text, (broke + NEAR_BYTES).min(end).max(near_from));
    Malformed {
        at_byte: broke,
        why,
        near: text[near_from..near_end].to_owned(),
        from_byte: from,
        size_bytes: part.len(),
        parts: 1,
    }
}

fn ceil_char_boundary(text: &str, at: usize) -> usize {
    text.ceil_char_boundary(at.min(text.len()))
}

#[cfg(test)]
mod tests;
