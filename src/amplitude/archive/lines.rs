//! Reads the elements of a stream of text, with their lines.

use std::io::{self, Read};
use std::ops::ControlFlow;

use bytestring::ByteString;

use crate::amplitude::byte_order_mark;
use crate::amplitude::event::Event;
use crate::amplitude::malformed::Malformed;
use crate::amplitude::split::{SplitOptions, Splitter, Step};
use crate::amplitude::surrogates;

use super::input::Input;
use super::piece::{Piece, Take};
use super::window::Window;

/// Maximum size of the kept text of a malformed part, in bytes.
const EXCERPT_BYTES: usize = 2_000;

/// Maximum size of an incomplete element that is parsed again after every read, in bytes, so that
/// input that trickles through a pipe is not delayed. A larger one is parsed again after its text
/// has doubled.
const SMALL_BYTES: usize = 64 << 10;

/// Reads the elements of `reader`, and calls `take` with each.
pub(super) fn read(mut reader: impl Read, input: &Input, take: &mut Take<'_>) -> ControlFlow<()> {
    let mut elements = Elements {
        input,
        take,
        window: Window::default(),
        splitter: Splitter::default(),
        lines: LineCounter::default(),
    };
    match elements.run(&mut reader) {
        Ok(flow) => flow,
        Err(error) => {
            let place = elements.lines.number;
            (elements.take)(Piece::Broken(input.cannot_read(place, error)))
        }
    }
}

struct Elements<'a, 't> {
    input: &'a Input,
    take: &'a mut Take<'t>,
    window: Window,
    splitter: Splitter,
    lines: LineCounter,
}

impl Elements<'_, '_> {
    fn run(&mut self, reader: &mut impl Read) -> io::Result<ControlFlow<()>> {
        self.window.advance(0, 1, reader);
        if !self.input.is_export && !self.looks_like_events() {
            let place = self.input.position(0);
            return Ok((self.take)(Piece::Skipped(place)));
        }
        let mut options = SplitOptions {
            is_whole: false,
            any_object: false,
            received_ms: self.input.options.received_ms,
            message_id_field: "message_id",
        };
        loop {
            let text = surrogates::replaced(&self.window.text);
            options.is_whole = self.window.is_last;
            let ended = loop {
                let from = self.splitter.at();
                match self.splitter.next(&text, options) {
                    Step::Found(found) => {
                        if self.found(found, &text).is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                    Step::More => break false,
                    Step::End => break true,
                }
                debug_assert!(self.splitter.at() >= from);
            };
            if ended {
                return Ok(ControlFlow::Continue(()));
            }
            if let Some(error) = self.window.error.take() {
                self.lines.pass(text.as_bytes(), self.splitter.at());
                return Err(error);
            }
            let left = text.len() - self.splitter.at();
            let max_bytes = self.input.options.max_event_bytes;
            if left > max_bytes {
                if self.pass_over(&text, reader).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                continue;
            }
            let more = if left < SMALL_BYTES { 1 } else { left };
            self.go_on(&text, more.min(max_bytes - left + 1), reader);
        }
    }

    /// Whether the text begins like events.
    fn looks_like_events(&self) -> bool {
        let text = byte_order_mark::without(&self.window.text).trim_start();
        text.is_empty() || text.starts_with(['{', '['])
    }

    /// Moves the window to the splitter's position.
    fn go_on(&mut self, text: &ByteString, more: usize, reader: &mut impl Read) {
        let at = self.splitter.at();
        self.lines.pass(text.as_bytes(), at);
        self.lines.rebase(at);
        self.splitter.rebase(text.as_bytes());
        self.window.advance(at, more, reader);
    }

    fn found(&mut self, found: Result<Event, Malformed>, text: &str) -> ControlFlow<()> {
        match found {
            Ok(event) => {
                let start = event.text().as_ptr() as usize - text.as_ptr() as usize;
                self.lines.pass(text.as_bytes(), start);
                let place = self.input.position(self.lines.number);
                let size_bytes = event.text().len();
                // The window is read in blocks, so it may hold a whole element over the limit.
                if size_bytes > self.input.options.max_event_bytes {
                    let (malformed, excerpt) = self.too_large(event.text(), size_bytes);
                    return (self.take)(Piece::Malformed(malformed, excerpt, place));
                }
                (self.take)(Piece::Event(event, place))
            }
            Err(malformed) => self.malformed(malformed, text),
        }
    }

    /// Reports a malformed part with the line of its fault, and the byte in that line.
    fn malformed(&mut self, mut malformed: Malformed, text: &str) -> ControlFlow<()> {
        if self.window.is_replaced(malformed.at_byte) {
            "no UTF-8".clone_into(&mut malformed.why);
        }
        let part = malformed.part(text);
        let excerpt = ByteString::from(&part[..part.floor_char_boundary(EXCERPT_BYTES)]);
        self.lines.pass(text.as_bytes(), malformed.from_byte);
        let mut fault = self.lines;
        fault.pass(text.as_bytes(), malformed.at_byte);
        let column = fault.column(malformed.at_byte);
        malformed.at_byte = column;
        malformed.from_byte = 0;
        let place = self.input.position(fault.number);
        (self.take)(Piece::Malformed(malformed, excerpt, place))
    }

    /// Describes an element over the size limit, of which `first` is the beginning or all.
    fn too_large(&self, first: &str, size_bytes: usize) -> (Malformed, ByteString) {
        let max_bytes = self.input.options.max_event_bytes;
        let malformed = Malformed {
            at_byte: 0,
            why: format!(
                "an element of more than {max_bytes} bytes is skipped (--max-event-bytes)"
            ),
            near: first[..first.floor_char_boundary(40)].to_owned(),
            from_byte: 0,
            size_bytes,
            parts: 1,
        };
        let excerpt = &first[..first.floor_char_boundary(EXCERPT_BYTES)];
        (malformed, ByteString::from(excerpt))
    }

    /// Skips an element over the size limit, and keeps no more than a window of it.
    fn pass_over(&mut self, text: &ByteString, reader: &mut impl Read) -> ControlFlow<()> {
        let start = self.splitter.at();
        self.lines.pass(text.as_bytes(), start);
        let place = self.input.position(self.lines.number);
        let (mut malformed, excerpt) = self.too_large(&text[start..], 0);
        let mut scan = self.splitter.scan(text.as_bytes());
        let mut text = text.clone();
        loop {
            let from = self.splitter.at();
            let bytes = text.as_bytes();
            let found = (from..bytes.len()).find_map(|at| scan.step(at, bytes[at]));
            let end = found.unwrap_or(bytes.len()).max(from);
            let end = text.ceil_char_boundary(end);
            malformed.size_bytes += end - from;
            self.splitter.pass_over(end);
            if found.is_some() || self.window.is_last || self.window.error.is_some() {
                return (self.take)(Piece::Malformed(malformed, excerpt, place));
            }
            self.go_on(&text, 1, reader);
            text = surrogates::replaced(&self.window.text);
        }
    }
}

/// The current line, from 1.
#[derive(Debug, Clone, Copy)]
struct LineCounter {
    number: u64,
    /// The end of the text in which lines were counted.
    upto: usize,
    /// The start of the line in the text.
    start: usize,
    /// The bytes of the line before the text.
    before: usize,
}

impl Default for LineCounter {
    fn default() -> Self {
        Self {
            number: 1,
            upto: 0,
            start: 0,
            before: 0,
        }
    }
}

impl LineCounter {
    fn pass(&mut self, text: &[u8], at: usize) {
        let Some(part) = text.get(self.upto..at) else {
            return;
        };
        let count = memchr::memchr_iter(b'\n', part).count();
        if let Some(newline) = memchr::memrchr(b'\n', part) {
            self.number += count as u64;
            self.start = self.upto + newline + 1;
            self.before = 0;
        }
        self.upto = at;
    }

    /// The position in its line of the byte at `at`.
    fn column(&self, at: usize) -> usize {
        self.before + at.saturating_sub(self.start)
    }

    fn rebase(&mut self, by: usize) {
        self.before += by.saturating_sub(self.start);
        self.start = self.start.saturating_sub(by);
        self.upto = self.upto.saturating_sub(by);
    }
}
