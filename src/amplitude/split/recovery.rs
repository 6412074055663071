//! Going on behind what is broken.

use bytestring::ByteString;

use super::fault::{ceil_char_boundary, malformed};
use super::scan::{self, Scan};
use super::{Inside, Reading, Splitter, Step};
use crate::amplitude::json;

impl Splitter {
    /// An object that the end of the window cuts. An envelope is not asked for whole.
    pub(super) fn cut_off(&mut self, text: &str, with: Reading<'_>) -> Option<Step> {
        if self.inside == Inside::Nothing
            && !with.any_object
            && let Some(list) = self.events_list(text, text.len())
        {
            self.at = list;
            self.enter(Inside::OpenEnvelope);
            return None;
        }
        Some(Step::More)
    }

    /// An object that is no JSON, up to `end` where that is known.
    pub(super) fn failed(
        &mut self,
        text: &ByteString,
        with: Reading<'_>,
        end: Option<usize>,
        error: &json::Broken,
    ) -> Option<Step> {
        let Some(end) = end.or_else(|| self.end_of_broken(text, with.is_whole)) else {
            return Some(Step::More);
        };
        let start = self.at;
        let broke = start + error.at;
        self.read_upto = self.read_upto.max(broke);
        if self.inside == Inside::Nothing
            && !with.any_object
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
    pub(super) fn broken(&mut self, text: &str, end: usize, broke: usize, why: String) -> Step {
        let told = malformed(text, (self.at, end), broke, why);
        self.owed = None;
        self.pass_over(end);
        Step::Found(Err(told))
    }

    /// Where the element that comes next ends; nothing where that lies behind the window.
    pub(super) fn end_of_broken(&mut self, text: &str, is_whole: bool) -> Option<usize> {
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
