//! Continues after a broken element.

use bytestring::ByteString;

use crate::amplitude::json;
use crate::amplitude::malformed::{Malformed, ceil_char_boundary};

use super::list::Inside;
use super::scan::{self, ListSearch, Scan};
use super::splitter::Splitter;
use super::step::{SplitOptions, Step};

/// What is found first in a broken element.
pub(super) enum EndOrList {
    /// Its end.
    End(usize),
    /// The position of the first element in the list of an envelope.
    List(usize),
}

impl Splitter {
    /// An object that the end of the window cuts. The list of an envelope is entered at once.
    pub(super) fn cut_off(&mut self, text: &str, options: SplitOptions<'_>) -> Option<Step> {
        if self.inside == Inside::Nothing
            && !options.any_object
            && let Some(list) = self.events_list(text, text.len())
        {
            self.enter_envelope(list);
            return None;
        }
        Some(Step::More)
    }

    /// Enters the list of an envelope that is not parsed as a whole.
    pub(super) fn enter_envelope(&mut self, list: usize) {
        self.at = list;
        self.enter(Inside::OpenEnvelope);
    }

    /// An object that is no JSON, up to `end` if that is known.
    pub(super) fn failed(
        &mut self,
        text: &ByteString,
        options: SplitOptions<'_>,
        end: Option<usize>,
        error: &json::Broken,
    ) -> Option<Step> {
        let start = self.at;
        let broke = start + error.at;
        self.read_upto = self.read_upto.max(broke);
        let end = match end {
            Some(end) => end,
            None => match self.end_or_list(text, options) {
                None => return Some(Step::More),
                Some(EndOrList::End(end)) => end,
                Some(EndOrList::List(list)) => {
                    self.enter_envelope(list);
                    self.is_damaged = false;
                    if broke >= list {
                        self.unreported = Some((broke, error.why()));
                        return None;
                    }
                    return self.damage(text, broke, &error.why());
                }
            },
        };
        if broke <= end {
            return Some(self.broken(text, end, broke, error.why()));
        }
        // The attempt read into the next element: this one is cut off.
        let mut cut = start + text[start..end].trim_end().len();
        cut = cut.max(start + 1);
        Some(self.broken(text, end, cut, "the object is cut off"))
    }

    /// Skips a broken element, and reports it.
    pub(super) fn broken(
        &mut self,
        text: &str,
        end: usize,
        broke: usize,
        why: impl Into<String>,
    ) -> Step {
        let malformed = Malformed::between(text, (self.at, end), broke, why);
        self.unreported = None;
        self.pass_over(end);
        Step::Found(Err(malformed))
    }

    /// The end of the next element; none if it is beyond the window.
    pub(super) fn end_of_broken(&mut self, text: &str, is_whole: bool) -> Option<usize> {
        let mut scan = self.scan(text.as_bytes());
        self.run(&mut scan, text, is_whole)
    }

    /// The end of the next element, or the list in it if it is a broken envelope; none if either is
    /// beyond the window. Both are looked for at once: a broken envelope may have no end of its own,
    /// and a search for it would read the text behind each of many.
    pub(super) fn end_or_list(
        &mut self,
        text: &str,
        options: SplitOptions<'_>,
    ) -> Option<EndOrList> {
        if self.inside != Inside::Nothing || options.any_object {
            return self
                .end_of_broken(text, options.is_whole)
                .map(EndOrList::End);
        }
        let bytes = text.as_bytes();
        let (mut scan, mut search) = (self.scan(bytes), ListSearch::default());
        let found = self.first_found(bytes, |at| {
            let end = scan.step(at, bytes[at]).map(EndOrList::End);
            end.or_else(|| search.step(bytes, at).map(EndOrList::List))
        });
        let end = match found {
            Some(EndOrList::List(list)) => return Some(EndOrList::List(list)),
            Some(EndOrList::End(end)) => Some(end),
            None => None,
        };
        self.end(&scan, end, text, options.is_whole)
            .map(EndOrList::End)
    }

    /// The position of the first element in the list of an envelope.
    fn events_list(&mut self, text: &str, end: usize) -> Option<usize> {
        let part = &text.as_bytes()[self.at..end];
        let list = scan::events_list(part);
        self.visit(list.unwrap_or(part.len()));
        Some(self.at + list?)
    }

    /// Skips the rest of a broken envelope after its list, up to the closing brace.
    pub(super) fn tail(&mut self, text: &str, is_whole: bool) -> Option<Step> {
        let bytes = text.as_bytes();
        let mut scan = self.scan(bytes);
        // The scan begins within the envelope's object.
        scan.step(self.at, b'{');
        let Some(end) = self.run(&mut scan, text, is_whole) else {
            return Some(Step::More);
        };
        let start = std::mem::replace(&mut self.at, end);
        self.inside = Inside::Nothing;
        let (broke, why) = self.unreported.take()?;
        self.is_damaged = true;
        let malformed = Malformed::between(text, (start, end), broke, why);
        Some(Step::Found(Err(malformed)))
    }

    /// Runs a scan up to the end that it finds; none if that is beyond the window.
    fn run(&mut self, scan: &mut Scan, text: &str, is_whole: bool) -> Option<usize> {
        let bytes = text.as_bytes();
        let end = self.first_found(bytes, |at| scan.step(at, bytes[at]));
        self.end(scan, end, text, is_whole)
    }

    /// Calls `step` with each position from the current one until it finds something.
    fn first_found<T>(
        &mut self,
        text: &[u8],
        mut step: impl FnMut(usize) -> Option<T>,
    ) -> Option<T> {
        let from = self.at;
        let found = (from..text.len()).find_map(|at| Some((at, step(at)?)));
        self.visit(found.as_ref().map_or(text.len(), |(at, _)| at + 1) - from);
        found.map(|(_, found)| found)
    }

    /// The end of the next element, if `scan` has found it or the text is whole.
    fn end(&self, scan: &Scan, found: Option<usize>, text: &str, is_whole: bool) -> Option<usize> {
        // At least one byte is skipped.
        let least = self.at + 1;
        match found {
            Some(end) => Some(ceil_char_boundary(text, end.max(least))),
            None => is_whole.then(|| scan.end_of_text(text.len()).max(least)),
        }
    }

    /// The white space at the start of the next element's line, in bytes.
    pub(super) fn indent(&mut self, text: &[u8]) -> usize {
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
}
