//! Walks over a text, element by element.

use bytestring::ByteString;

use crate::amplitude::byte_order_mark::BYTE_ORDER_MARK;
use crate::amplitude::malformed::Malformed;

use super::list::{Comma, Inside, Line};
use super::scan::{Scan, Surroundings};
use super::step::{SplitOptions, Step};

/// A position in a text, and the list and the damage around it.
#[derive(Debug, Default)]
pub(in crate::amplitude) struct Splitter {
    /// The position of the next byte.
    pub(super) at: usize,
    pub(super) inside: Inside,
    pub(super) comma: Comma,
    /// The end of the text that a failed attempt has read.
    pub(super) read_upto: usize,
    /// Whether the last part is damaged: a mere consequence of it is not reported again.
    pub(super) is_damaged: bool,
    /// The fault of a broken envelope, with its position, until some of its damage is reported.
    pub(super) unreported: Option<(usize, String)>,
    pub(super) line: Line,
    has_content: bool,
    #[cfg(test)]
    pub(super) visited_bytes: usize,
}

impl Splitter {
    /// The position of the next element; everything before it is done.
    pub(in crate::amplitude) fn at(&self) -> usize {
        self.at
    }

    /// Whether the text so far is only white space.
    pub(in crate::amplitude) fn is_blank(&self) -> bool {
        !self.has_content
    }

    /// Continues in another text, which begins at the current position in `text`.
    pub(in crate::amplitude) fn rebase(&mut self, text: &[u8]) {
        self.indent(text);
        self.line.upto = 0;
        let by = std::mem::take(&mut self.at);
        self.read_upto = self.read_upto.saturating_sub(by);
        if let Some((broke, _)) = &mut self.unreported {
            *broke = broke.saturating_sub(by);
        }
        if let Inside::Envelope(end) = &mut self.inside {
            *end = end.saturating_sub(by);
        }
    }

    /// Skips the next element, which ends at `end`, as damage that is reported already.
    pub(in crate::amplitude) fn pass_over(&mut self, end: usize) {
        self.at = end;
        self.comma = Comma::Either;
        self.is_damaged = true;
    }

    /// A scan for the end of the next element.
    pub(in crate::amplitude) fn scan(&mut self, text: &[u8]) -> Scan {
        Scan::new(Surroundings {
            in_list: self.in_list(),
            indent: self.indent(text),
        })
    }

    /// Takes the next element.
    pub(in crate::amplitude) fn next(
        &mut self,
        text: &ByteString,
        options: SplitOptions<'_>,
    ) -> Step {
        loop {
            self.skip_space(text);
            let Some(&byte) = text.as_bytes().get(self.at) else {
                return self.at_the_end(options.is_whole);
            };
            self.has_content = true;
            let found = match (self.inside, byte) {
                (Inside::EnvelopeTail, _) => self.tail(text, options.is_whole),
                (Inside::Nothing, b'[') => {
                    self.at += 1;
                    self.enter(Inside::Array);
                    continue;
                }
                (Inside::Nothing, b'{') => self.element(text, options),
                (Inside::Nothing, b',' | b';' | b']' | b'}') => {
                    self.stray(text, "a separator without a list")
                }
                (Inside::Nothing, _) => Some(self.junk(text, byte, options.is_whole)),
                (_, b',' | b']' | b'}') => self.punctuation(text, byte),
                _ if self.comma == Comma::Wanted => {
                    self.comma = Comma::Either;
                    self.damage(text, self.at, "a comma is missing")
                }
                _ => self.element(text, options),
            };
            if let Some(step) = found {
                return step;
            }
        }
    }

    pub(super) fn in_list(&self) -> bool {
        !matches!(self.inside, Inside::Nothing | Inside::EnvelopeTail)
    }

    pub(super) fn enter(&mut self, list: Inside) {
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
                self.unreported = None;
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

    /// A comma or a closing bracket in a list.
    fn punctuation(&mut self, text: &str, byte: u8) -> Option<Step> {
        match (byte, self.comma) {
            (b']', Comma::Behind) => {
                let damage = self.damage(text, self.at, "a comma without an element after it");
                self.at += 1;
                self.leave();
                damage
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
            (b',', _) => self.stray(text, "a comma without an element before it"),
            _ => self.stray(text, "a brace too many"),
        }
    }

    /// A byte that is not expected here.
    fn stray(&mut self, text: &str, why: &str) -> Option<Step> {
        self.comma = Comma::Either;
        let damage = self.damage(text, self.at, why);
        self.at += 1;
        damage
    }

    /// Damage between elements; none if it is a consequence of reported damage.
    pub(super) fn damage(&mut self, text: &str, at: usize, why: &str) -> Option<Step> {
        self.unreported = None;
        if std::mem::replace(&mut self.is_damaged, true) {
            return None;
        }
        let malformed = Malformed::between(text, (at, at + 1), at, why);
        Some(Step::Found(Err(malformed)))
    }

    /// Counts visited bytes, which tests compare with the length of the text.
    #[cfg(test)]
    pub(super) fn visit(&mut self, bytes: usize) {
        self.visited_bytes += bytes;
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "only tests count")]
    pub(super) fn visit(&mut self, _: usize) {}
}
