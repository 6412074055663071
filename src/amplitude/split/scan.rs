//! Finds the end of a broken element in one scan over its text, which reads no byte twice.
//!
//! Text that is no JSON has no defined end, so the scan takes the first plausible one:
//!
//! - the element's brackets are balanced;
//! - an object begins where JSON expects a name (`{"a":1,{`): a brace is missing before it;
//! - an object begins a line that is not indented further than the element: the element is cut off;
//! - the list around the element ends.
//!
//! A missing or extra quote turns names into structure and structure into text. So a second lexer
//! runs beside the first, which ignores the opening quote of the last string. It decides as soon as
//! the first one meets a word right after a closing quote.

/// Maximum depth at which the second lexer runs.
const SECOND_LEXER_DEPTH: usize = 64;

/// Maximum depth at which kinds of brackets are remembered; deeper ones are only counted. No event is
/// nested so deeply, and a file of brackets alone must not fill memory.
const MAX_DEPTH: usize = 1 << 20;

/// The surroundings of an element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    /// Whether the element is in a list, which a `]` ends.
    pub in_list: bool,
    /// The white space at the start of the element's first line, in bytes.
    pub indent: usize,
}

/// A scan for the end of a broken element, byte by byte.
#[derive(Debug)]
pub(in crate::amplitude) struct Scan {
    surroundings: Surroundings,
    first: Lexer,
    second: SecondLexer,
    line: Line,
    /// Whether the element has more on its first line than an opening bracket.
    is_compact: bool,
    /// The position and kind of a bracket at the start of a line, until the next byte shows what it
    /// opens.
    candidate: Option<(usize, u8)>,
    /// A `]` that closes nothing in the element, until the following bytes show whether it ends the
    /// list around the element.
    bracket: Option<Bracket>,
}

/// A `]` without a `[`. If the element goes on after it to its own end and to the next element, the
/// bracket is an extra one. Otherwise the list ends there, and braces of the element are missing.
#[derive(Debug, Clone, Copy)]
struct Bracket {
    at: usize,
    /// The end of the element after the bracket.
    end: Option<usize>,
    /// Whether a comma follows that end.
    has_comma: bool,
}

impl Bracket {
    /// Takes the next byte. Returns the end of the element once it is known.
    fn step(&mut self, byte: u8, ended: Option<usize>) -> Option<usize> {
        match (self.end, byte) {
            _ if is_space(byte) => None,
            (None, b'}') => {
                self.end = ended;
                None
            }
            (Some(_), b',') if !self.has_comma => {
                self.has_comma = true;
                None
            }
            (Some(end), b'{') if self.has_comma => Some(end),
            (Some(end), b']') => Some(end),
            _ => Some(self.at),
        }
    }
}

/// The current line up to the current byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The element's first line; the number of its bytes that are not white space.
    First(usize),
    /// White space only; its size in bytes.
    Blank(usize),
    /// Other text.
    Text,
}

#[derive(Debug)]
enum SecondLexer {
    /// No string is open.
    None,
    /// A string is open. The lexer reads its text as structure, and may have found an end.
    Waiting(Lexer, Option<usize>),
    /// A word follows a string: quotes don't pair up, and either lexer may be right.
    Deciding(Lexer),
}

impl Scan {
    pub(super) fn new(surroundings: Surroundings) -> Self {
        Self {
            surroundings,
            first: Lexer::default(),
            second: SecondLexer::None,
            line: Line::First(0),
            is_compact: false,
            candidate: None,
            bracket: None,
        }
    }

    /// The end of the element if the text ends at `at`.
    pub(super) fn end_of_text(&self, at: usize) -> usize {
        let bracket = self.bracket.as_ref();
        bracket.map_or(at, |bracket| bracket.end.unwrap_or(bracket.at))
    }

    /// Takes the byte at `at`. Returns the end of the element once it is known: at most `at` + 1.
    pub(in crate::amplitude) fn step(&mut self, at: usize, byte: u8) -> Option<usize> {
        if let Some(end) = self.line_begins_an_element(at, byte) {
            return Some(end);
        }
        let was_string = self.first.in_string;
        let just_closed = self.first.just_closed;
        let closes_nothing = byte == b']'
            && self.surroundings.in_list
            && !was_string
            && self.first.lists == 0
            && !self.first.stack.is_empty();
        let ended = self.first.step(at, byte, self.surroundings.in_list);
        if let Some(bracket) = &mut self.bracket {
            return bracket.step(byte, ended);
        }
        if closes_nothing {
            self.bracket = Some(Bracket {
                at,
                end: None,
                has_comma: false,
            });
            return None;
        }
        if let Some(end) = self.step_second(at, byte, was_string, just_closed) {
            return Some(ended.map_or(end, |first| first.min(end)));
        }
        ended
    }

    fn step_second(
        &mut self,
        at: usize,
        byte: u8,
        was_string: bool,
        just_closed: bool,
    ) -> Option<usize> {
        let in_list = self.surroundings.in_list;
        match &mut self.second {
            SecondLexer::Deciding(lexer) => return lexer.step(at, byte, in_list),
            SecondLexer::Waiting(lexer, end) if was_string => {
                if end.is_none() {
                    *end = lexer.step(at, byte, in_list);
                }
            }
            SecondLexer::Waiting(lexer, end) => {
                let is_word = !matches!(byte, b',' | b':' | b'}' | b']' | b'"') && !is_space(byte);
                if just_closed && is_word {
                    if end.is_some() {
                        return *end;
                    }
                    let mut lexer = std::mem::take(lexer);
                    let ended = lexer.step(at, byte, in_list);
                    self.second = SecondLexer::Deciding(lexer);
                    return ended;
                }
                self.second = SecondLexer::None;
            }
            SecondLexer::None => {}
        }
        if !was_string && self.first.in_string && self.first.stack.len() <= SECOND_LEXER_DEPTH {
            let mut lexer = self.first.clone();
            lexer.in_string = false;
            self.second = SecondLexer::Waiting(lexer, None);
        }
        None
    }

    /// The start of a line that looks like the next element.
    fn line_begins_an_element(&mut self, at: usize, byte: u8) -> Option<usize> {
        if let Some((start, opening)) = self.candidate
            && !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
        {
            self.candidate = None;
            let opens = match opening {
                b'{' => matches!(byte, b'"' | b'}'),
                _ => byte == b'{',
            };
            if opens {
                return Some(start);
            }
        }
        self.line = match (self.line, byte) {
            (_, b'\n') => Line::Blank(0),
            (Line::Blank(spaces), b' ' | b'\t' | b'\r') => Line::Blank(spaces + 1),
            (Line::Blank(spaces), _) => {
                let is_outer = spaces <= self.surroundings.indent;
                let may_open = byte == b'{' || (byte == b'[' && !self.surroundings.in_list);
                if is_outer && may_open && (self.is_compact || !self.first.expects_value()) {
                    self.candidate = Some((at, byte));
                }
                Line::Text
            }
            (Line::First(seen), b' ' | b'\t' | b'\r') => Line::First(seen),
            (Line::First(seen), _) => {
                self.is_compact |= seen > 0;
                Line::First(seen + 1)
            }
            (Line::Text, _) => Line::Text,
        };
        None
    }
}

/// A lexer of broken JSON.
#[derive(Debug, Clone, Default)]
struct Lexer {
    /// The open brackets, the innermost last.
    stack: Vec<u8>,
    /// The number of `[` among them.
    lists: usize,
    /// The number of open brackets deeper than [`MAX_DEPTH`].
    deeper: usize,
    in_string: bool,
    is_escaped: bool,
    /// Whether the byte before closed a string.
    just_closed: bool,
    last: Token,
}

/// The last token, apart from white space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Token {
    #[default]
    Start,
    Opened,
    Closed,
    Comma,
    Colon,
    Word,
}

impl Lexer {
    /// Whether an object may begin here: after a colon, or in a list.
    fn expects_value(&self) -> bool {
        if self.in_string {
            return false;
        }
        match self.last {
            Token::Start | Token::Colon => true,
            Token::Comma | Token::Opened => self.stack.last() == Some(&b'['),
            Token::Closed | Token::Word => false,
        }
    }

    /// Takes the byte at `at`. Returns the end of the element once it is known.
    fn step(&mut self, at: usize, byte: u8, in_list: bool) -> Option<usize> {
        self.just_closed = false;
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => {
                    self.in_string = false;
                    self.just_closed = true;
                    self.last = Token::Word;
                }
                _ => {}
            }
            return None;
        }
        match byte {
            b'{' => {
                let expects_name = self.stack.last() == Some(&b'{')
                    && matches!(self.last, Token::Comma | Token::Closed);
                let is_after_end = self.stack.is_empty() && self.last != Token::Start;
                if expects_name || is_after_end {
                    return Some(at);
                }
                self.open(byte);
            }
            b'[' => self.open(byte),
            b'}' => return self.close(b'{').then_some(at + 1),
            b']' => {
                if self.lists == 0 {
                    return (in_list && self.stack.is_empty()).then_some(at);
                }
                return self.close(b'[').then_some(at + 1);
            }
            b',' => {
                if self.stack.is_empty() && in_list {
                    return Some(at);
                }
                self.last = Token::Comma;
            }
            b':' => self.last = Token::Colon,
            b'"' => self.in_string = true,
            _ if is_space(byte) => {}
            _ => self.last = Token::Word,
        }
        None
    }

    fn open(&mut self, bracket: u8) {
        if self.stack.len() >= MAX_DEPTH {
            self.deeper += 1;
            return;
        }
        self.stack.push(bracket);
        self.lists += usize::from(bracket == b'[');
        self.last = Token::Opened;
    }

    /// Closes the innermost bracket of this kind, and all in it. Returns whether it was the outermost
    /// one.
    fn close(&mut self, bracket: u8) -> bool {
        self.last = Token::Closed;
        if self.deeper > 0 {
            self.deeper -= 1;
            return false;
        }
        if bracket == b'{' && self.lists == self.stack.len() {
            return false;
        }
        while let Some(open) = self.stack.pop() {
            self.lists -= usize::from(open == b'[');
            if open == bracket {
                break;
            }
        }
        self.stack.is_empty()
    }
}

/// Looks for the list of a broken envelope, byte by byte: the entry `events` at the top of an object,
/// unless an `event_type` precedes it.
#[derive(Debug, Default)]
pub(super) struct ListSearch {
    lexer: Lexer,
    /// The start of the last string at the top.
    name_from: usize,
    /// The last string at the top.
    name: std::ops::Range<usize>,
    is_ended: bool,
}

impl ListSearch {
    /// Takes the byte at `at` of `text`. Returns the position after the `[` of the list once it is
    /// found.
    pub(super) fn step(&mut self, text: &[u8], at: usize) -> Option<usize> {
        if self.is_ended {
            return None;
        }
        let byte = text[at];
        let was_string = self.lexer.in_string;
        let is_top = self.lexer.stack.len() == 1;
        let name = &text[self.name.clone()];
        let is_value = is_top && !was_string && self.lexer.last == Token::Colon;
        if byte == b'[' && is_value && name == b"events" {
            return Some(at + 1);
        }
        let is_event = is_top && !was_string && byte == b':' && name == b"event_type";
        self.is_ended = is_event || self.lexer.step(at, byte, false).is_some();
        if is_top {
            match (was_string, self.lexer.in_string) {
                (false, true) => self.name_from = at + 1,
                (true, false) => self.name = self.name_from..at,
                _ => {}
            }
        }
        None
    }
}

/// The position after the `[` of the list of a broken envelope at the start of `text`.
pub(super) fn events_list(text: &[u8]) -> Option<usize> {
    let mut search = ListSearch::default();
    (0..text.len()).find_map(|at| search.step(text, at))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
