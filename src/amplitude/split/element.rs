//! Parses the next element of a text.

use bytestring::ByteString;

use crate::amplitude::event::{Event, NotAnEvent};
use crate::amplitude::malformed::Malformed;

use super::list::{Comma, Inside};
use super::recovery::EndOrList;
use super::splitter::Splitter;
use super::step::{SplitOptions, Step};

impl Splitter {
    /// Text that is neither a list nor an object, up to the end of its line.
    pub(super) fn junk(&mut self, text: &str, byte: u8, is_whole: bool) -> Step {
        let rest = &text.as_bytes()[self.at..];
        let line = memchr::memchr(b'\n', rest);
        self.visit(line.unwrap_or(rest.len()));
        let end = match line {
            Some(line) => self.at + line,
            None if is_whole => text.len(),
            None => return Step::More,
        };
        self.broken(text, end, self.at, not_an_object(byte))
    }

    /// An element, of any kind.
    pub(super) fn element(&mut self, text: &ByteString, options: SplitOptions<'_>) -> Option<Step> {
        if text.as_bytes()[self.at] != b'{' {
            let Some(end) = self.end_of_broken(text, options.is_whole) else {
                return Some(Step::More);
            };
            let why = not_an_object(text.as_bytes()[self.at]);
            return Some(self.broken(text, end, self.at, why));
        }
        // Text that a failed attempt has read is parsed again only up to a known end.
        let mut end = None;
        if self.at < self.read_upto {
            match self.end_or_list(text, options) {
                None => return Some(Step::More),
                Some(EndOrList::End(found)) => end = Some(found),
                // Its elements are parsed one by one.
                Some(EndOrList::List(list)) => {
                    self.enter_envelope(list);
                    return None;
                }
            }
        }
        // Positions in an event have 32 bits: a longer one is cut off.
        let longest = text.floor_char_boundary(self.at.saturating_add(u32::MAX as usize));
        let part = &text[self.at..end.unwrap_or(text.len()).min(longest)];
        let error = match Event::read(
            &text.slice_ref(part),
            options.received_ms,
            options.message_id_field,
        ) {
            Ok((event, used)) => return self.found(text, event, used, options),
            Err(NotAnEvent::Json(error)) => error,
            Err(error @ NotAnEvent::Foreign) => {
                let why = error.to_string();
                return Some(self.broken(text, self.at + part.len(), self.at, why));
            }
        };
        self.visit(error.at);
        // A number that is cut is reported as an invalid one.
        let is_cut_off = error.is_cut_off() || error.at >= part.len();
        if end.is_none() && is_cut_off && !options.is_whole {
            return self.cut_off(text, options);
        }
        self.failed(text, options, end, &error)
    }

    /// An object that was parsed: an event, or an envelope around events.
    fn found(
        &mut self,
        text: &ByteString,
        event: Event,
        used: usize,
        options: SplitOptions<'_>,
    ) -> Option<Step> {
        self.visit(used);
        let start = self.at;
        self.at += used;
        self.is_damaged = false;
        self.comma = Comma::Wanted;
        if options.any_object {
            return Some(Step::Found(Ok(event)));
        }
        if self.inside == Inside::Nothing
            && let Some(list) = event.envelope()
        {
            let end = self.at;
            self.at = list.as_ptr() as usize - text.as_ptr() as usize + 1;
            self.enter(Inside::Envelope(end));
            return None;
        }
        let found = event.check().map_err(|error| {
            Malformed::between(text, (start, start + used), start, error.to_string())
        });
        Some(Step::Found(found))
    }
}

/// The fault of an element that begins with this byte: only objects are events.
fn not_an_object(byte: u8) -> &'static str {
    match byte {
        b'[' => "an event is an object, not a list",
        b'"' => "an event is an object, not a text",
        b'-' | b'0'..=b'9' => "an event is an object, not a number",
        b't' | b'f' | b'n' => "an event is an object, not a bare word",
        _ => "no JSON: expected an event",
    }
}
