//! Where a broken element ends: one scan over its text, which reads no byte twice.
//!
//! Text that is no JSON has no end that could be looked up, so the scan takes the first place
//! that is a plausible one:
//!
//! - the element's brackets are balanced again;
//! - an object begins where JSON expects a name (`{"a":1,{`): a brace is missing before it;
//! - an object begins a line that is not indented further than the element: the element was cut;
//! - the list around the element ends.
//!
//! A quote too many or too few turns names into structure and structure into text. So a second
//! reading runs beside the first, in which the last string's opening quote does not count; it
//! has a say once the first meets a word right behind a closing quote.

/// The second reading is kept for elements that are nested up to here.
const SECOND_READING_DEPTH: usize = 64;

/// Brackets are told apart up to this depth; deeper ones are counted. Nothing that is nested so
/// deeply is an event, and a file of brackets alone must not fill memory.
const MAX_DEPTH: usize = 1 << 20;

/// What the scan needs to know of the element's surroundings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    /// Whether the element stands in a list, which a `]` ends.
    pub in_list: bool,
    /// The white space in front of the line on which the element begins, in bytes.
    pub indent: usize,
}

/// Looks for the end of a broken element, byte by byte.
#[derive(Debug)]
pub(in crate::amplitude) struct Scan {
    around: Around,
    first: Reading,
    second: SecondReading,
    line: Line,
    /// Whether the element has more on its first line than an opening bracket.
    is_compact: bool,
    /// Where a line begins with a bracket, until the next byte tells what it opens.
    candidate: Option<(usize, u8)>,
    /// A `]` that closes nothing in the element, until what follows tells whether it ends the
    /// list around it.
    bracket: Option<Bracket>,
}

/// A `]` without a `[`: one too many, where the element goes on behind it to its own end and to
/// the next element; else the list ends there, and braces of the element are missing.
#[derive(Debug, Clone, Copy)]
struct Bracket {
    at: usize,
    /// Where the element ended behind it.
    end: Option<usize>,
    /// Whether a comma came behind that.
    has_comma: bool,
}

impl Bracket {
    /// The end of the element, once it is clear.
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

/// What was seen of the line so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// It is the line on which the element begins; so many bytes of it that are no space.
    First(usize),
    /// So many bytes of white space, nothing else.
    Blank(usize),
    /// Something.
    Text,
}

#[derive(Debug)]
enum SecondReading {
    /// No string is open.
    None,
    /// A string is open: this is how its text reads as structure, and the end that it would give.
    Asleep(Reading, Option<usize>),
    /// A word stands right behind a string: quotes don't pair up, and either reading may be right.
    Awake(Reading),
}

impl Scan {
    pub(super) fn new(around: Around) -> Self {
        Self {
            around,
            first: Reading::default(),
            second: SecondReading::None,
            line: Line::First(0),
            is_compact: false,
            candidate: None,
            bracket: None,
        }
    }

    /// Where the element ends if the text ends here.
    pub(super) fn end_of_text(&self, at: usize) -> usize {
        let bracket = self.bracket.as_ref();
        bracket.map_or(at, |bracket| bracket.end.unwrap_or(bracket.at))
    }

    /// Goes on by the byte at `at`; where the element ended, if it is clear by now. That is `at`
    /// plus 1 at the most.
    pub(in crate::amplitude) fn step(&mut self, at: usize, byte: u8) -> Option<usize> {
        if let Some(end) = self.line_begins_an_element(at, byte) {
            return Some(end);
        }
        let was_string = self.first.in_string;
        let just_closed = self.first.just_closed;
        let closes_nothing = byte == b']'
            && self.around.in_list
            && !was_string
            && self.first.lists == 0
            && !self.first.stack.is_empty();
        let ended = self.first.step(at, byte, self.around.in_list);
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
        let in_list = self.around.in_list;
        match &mut self.second {
            SecondReading::Awake(reading) => return reading.step(at, byte, in_list),
            SecondReading::Asleep(reading, end) if was_string => {
                if end.is_none() {
                    *end = reading.step(at, byte, in_list);
                }
            }
            SecondReading::Asleep(reading, end) => {
                let is_word = !matches!(byte, b',' | b':' | b'}' | b']' | b'"') && !is_space(byte);
                if just_closed && is_word {
                    if end.is_some() {
                        return *end;
                    }
                    let mut reading = std::mem::take(reading);
                    let ended = reading.step(at, byte, in_list);
                    self.second = SecondReading::Awake(reading);
                    return ended;
                }
                self.second = SecondReading::None;
            }
            SecondReading::None => {}
        }
        if !was_string && self.first.in_string && self.first.stack.len() <= SECOND_READING_DEPTH {
            let mut reading = self.first.clone();
            reading.in_string = false;
            self.second = SecondReading::Asleep(reading, None);
        }
        None
    }

    /// Where a line begins with what looks like the next element.
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
                let is_outer = spaces <= self.around.indent;
                let may_open = byte == b'{' || (byte == b'[' && !self.around.in_list);
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

/// How the bytes so far read as JSON.
#[derive(Debug, Clone, Default)]
struct Reading {
    /// The brackets that are open, the innermost last.
    stack: Vec<u8>,
    /// How many of them are `[`.
    lists: usize,
    /// How many brackets are open within them, below [`MAX_DEPTH`].
    deeper: usize,
    in_string: bool,
    is_escaped: bool,
    /// Whether the byte before closed a string.
    just_closed: bool,
    last: Token,
}

/// What came last, apart from white space.
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

impl Reading {
    /// Whether an object may begin here: behind a colon, and in a list.
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
                let is_behind = self.stack.is_empty() && self.last != Token::Start;
                if expects_name || is_behind {
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

    /// Closes the innermost bracket of this kind and what is open in it; whether that was the
    /// outermost one.
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

/// Where the list of a broken envelope begins: behind the `[` of a name `events` at the top of
/// the object that `text` starts with, in front of which no `event_type` stands.
pub(super) fn events_list(text: &[u8]) -> Option<usize> {
    let mut reading = Reading::default();
    let mut name_from = 0;
    let mut name: &[u8] = &[];
    for (at, byte) in text.iter().copied().enumerate() {
        let was_string = reading.in_string;
        let is_top = reading.stack.len() == 1;
        if byte == b'['
            && is_top
            && !was_string
            && reading.last == Token::Colon
            && name == b"events"
        {
            return Some(at + 1);
        }
        if reading.step(at, byte, false).is_some() {
            return None;
        }
        if !is_top {
            continue;
        }
        match (was_string, reading.in_string) {
            (false, true) => name_from = at + 1,
            (true, false) => name = &text[name_from..at],
            _ => {}
        }
        if byte == b':' && !was_string && name == b"event_type" {
            return None;
        }
    }
    None
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
