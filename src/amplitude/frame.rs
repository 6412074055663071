//! From a frame to its events: one object, an array, newline-delimited objects, HTTP V2
//! envelopes, or several of these one behind the other.

use bytestring::ByteString;

use super::event::Event;
use super::split::{self, Splitter, Step};
use super::surrogates;
use super::time::UnixMs;

/// How many malformed parts of a frame are told one by one; the others are told as one.
pub const PARTS_TOLD: u64 = 16;

/// A frame, or a part of one, that holds no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Where in the frame it broke, in bytes from its start.
    pub at_byte: usize,
    /// What is wrong there.
    pub why: String,
    /// The text around the place.
    pub near: String,
    /// Where in the frame the part begins that could not be read.
    pub from_byte: usize,
    /// The size of that part in bytes.
    pub size_bytes: usize,
    /// How many parts this stands for: more than one where a frame has very many.
    pub parts: u64,
}

impl Malformed {
    /// The part of the frame that could not be read, as far as that text reaches.
    pub fn part<'t>(&self, text: &'t str) -> &'t str {
        let from = text.floor_char_boundary(self.from_byte);
        let end = self.from_byte.saturating_add(self.size_bytes);
        &text[from..text.floor_char_boundary(end).max(from)]
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "byte {}: {}, near {:?}",
            self.at_byte, self.why, self.near
        )
    }
}

/// Decodes a frame and hands each of its events, or what is wrong with a part of it, to `take`.
///
/// One bad event among many costs only itself.
pub fn decode(
    frame: &ByteString,
    received_ms: UnixMs,
    message_id_field: &str,
    take: impl FnMut(Result<Event, Malformed>),
) {
    Events::new(frame, received_ms, message_id_field).for_each(take);
}

/// The events of a frame, one after the other, and what is wrong with parts of it.
///
/// The first [`PARTS_TOLD`] malformed parts come one by one. What all others have in common is
/// told at the end, as one, so that a frame of nothing else takes no more memory than it is long.
#[derive(Debug)]
pub struct Events<'m> {
    frame: ByteString,
    with: split::Reading<'m>,
    splitter: Splitter,
    malformed: u64,
    others: Option<Malformed>,
    is_ended: bool,
}

impl<'m> Events<'m> {
    /// The events of `frame`, which was received then.
    pub fn new(frame: &ByteString, received_ms: UnixMs, message_id_field: &'m str) -> Self {
        Self {
            frame: surrogates::replaced(frame),
            with: split::Reading {
                is_whole: true,
                any_object: false,
                received_ms,
                message_id_field,
            },
            splitter: Splitter::default(),
            malformed: 0,
            others: None,
            is_ended: false,
        }
    }
}

/// What [`Events::advance`] came to.
#[derive(Debug)]
pub enum Progress {
    /// An event, or a malformed part.
    Found(Result<Event, Malformed>),
    /// A malformed part that is counted with others, of this size in bytes.
    Counted(usize),
}

impl Events<'_> {
    /// Takes one element of the frame, and no more: who must not block for the time that a large
    /// frame takes can rest in between. Nothing at the end of the frame.
    pub fn advance(&mut self) -> Option<Progress> {
        if self.is_ended {
            return self.others().map(|others| Progress::Found(Err(others)));
        }
        match self.splitter.next(&self.frame, self.with) {
            Step::Found(Err(malformed)) if self.malformed >= PARTS_TOLD => {
                let size_bytes = malformed.size_bytes;
                match &mut self.others {
                    Some(others) => {
                        others.parts += 1;
                        others.size_bytes += size_bytes;
                    }
                    None => self.others = Some(malformed),
                }
                Some(Progress::Counted(size_bytes))
            }
            Step::Found(found) => {
                self.malformed += u64::from(found.is_err());
                Some(Progress::Found(found))
            }
            // The frame is whole: nothing is asked for behind its end.
            Step::More | Step::End => {
                self.is_ended = true;
                if self.splitter.is_blank() {
                    let why = "an empty frame".to_owned();
                    let empty = split::malformed(&self.frame, (0, 0), 0, why);
                    return Some(Progress::Found(Err(empty)));
                }
                self.others().map(|others| Progress::Found(Err(others)))
            }
        }
    }

    /// The same of objects of any kind: each comes as if it were an event, an envelope too.
    pub fn of_any_kind(frame: &ByteString) -> Events<'static> {
        let mut events = Events::new(frame, 0, "");
        events.with.any_object = true;
        events
    }

    fn others(&mut self) -> Option<Malformed> {
        let mut others = self.others.take()?;
        if others.parts > 1 {
            others.why = format!(
                "{} more parts are malformed; the first of them: {}",
                others.parts, others.why
            );
        }
        Some(others)
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Event, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.advance()? {
                Progress::Found(found) => return Some(found),
                Progress::Counted(_) => {}
            }
        }
    }
}

/// A frame that is not UTF-8, told with the byte at which it stops being so.
pub fn not_utf8(frame: &[u8], error: &std::str::Utf8Error) -> Malformed {
    let at = error.valid_up_to();
    let from = at.saturating_sub(20);
    let end = frame.len().min(at.saturating_add(20));
    Malformed {
        at_byte: at,
        why: "no UTF-8".to_owned(),
        near: String::from_utf8_lossy(frame.get(from..end).unwrap_or_default()).into_owned(),
        from_byte: 0,
        size_bytes: frame.len(),
        parts: 1,
    }
}

/// What other modules' tests make events with.
#[cfg(test)]
pub(crate) mod tests_support {
    use super::{ByteString, Event};

    /// The one event in `text`, received at 1,800,000,000,000 ms.
    pub(crate) fn event(text: &str) -> Event {
        event_at(text, 1_800_000_000_000)
    }

    /// The one event in `text`, received then.
    pub(crate) fn event_at(text: &str, received_ms: i64) -> Event {
        let mut found = None;
        super::decode(&ByteString::from(text), received_ms, "message_id", |one| {
            found = Some(one.unwrap());
        });
        found.unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(frame: &str) -> Vec<Result<String, Malformed>> {
        let mut all = Vec::new();
        decode(&ByteString::from(frame), 7, "message_id", |one| {
            all.push(one.map(|e| e.event_type().unwrap_or_default().into_owned()));
        });
        all
    }

    fn types(frame: &str) -> Vec<String> {
        read(frame).into_iter().map(|e| e.unwrap()).collect()
    }

    #[test]
    fn every_form_of_a_frame_yields_its_events_in_order() {
        let table: &[(&str, &[&str])] = &[
            (r#"{"event_type":"a"}"#, &["a"]),
            ("  {\n \"event_type\" : \"a\" }\n", &["a"]),
            (r#"[{"event_type":"a"},{"event_type":"b"}]"#, &["a", "b"]),
            (
                "{\"event_type\":\"a\"}\n{\"event_type\":\"b\"}\n\n",
                &["a", "b"],
            ),
            (
                r#"{"api_key":"k","events":[{"event_type":"a"},{"event_type":"b"}],"options":{}}"#,
                &["a", "b"],
            ),
            ("[]", &[]),
        ];
        for (frame, expected) in table {
            assert_eq!(types(frame), *expected, "{frame}");
        }
    }

    #[test]
    fn fields_are_found_behind_leading_space_and_in_every_element() {
        let frame = ByteString::from(
            " [ {\"user_id\":\"u-1\",\"time\":1751254672846,\"insert_id\":\"i\",\"event_type\":\"a\"} ]",
        );
        decode(&frame, 7, "message_id", |event| {
            let event = event.unwrap();
            assert_eq!(event.user_id().as_deref(), Some("u-1"));
            assert_eq!(event.time(), Ok(1_751_254_672_846));
            assert_eq!(event.insert_id().as_deref(), Some("i"));
            assert_eq!(event.received_ms(), 7);
        });
    }

    #[test]
    fn a_broken_line_costs_only_itself_and_says_where_it_broke() {
        let all = read("{\"event_type\":\"a\"}\n{\"event_type\": oops}\n{\"event_type\":\"c\"}");
        assert_eq!(all.len(), 3);
        let broken = all[1].as_ref().unwrap_err();
        assert_eq!(broken.at_byte, 19 + 15);
        assert!(broken.why.contains("expected value"), "{broken}");
        assert!(broken.near.contains("oops"), "{broken}");
        assert_eq!(all[2].as_deref(), Ok("c"));
    }

    #[test]
    fn a_byte_order_mark_is_taken_off() {
        for frame in [
            "\u{feff}{\"event_type\":\"a\"}",
            "\u{feff}[{\"event_type\":\"a\"}]",
            "\u{feff} {\"events\":[{\"event_type\":\"a\"}]}",
        ] {
            assert_eq!(types(frame), ["a"], "{frame}");
        }
    }

    #[test]
    fn of_very_many_malformed_parts_a_count_is_kept_and_the_first_few() {
        let lines = 500_000;
        let all = read(&"1\n".repeat(lines));
        assert_eq!(all.len() as u64, PARTS_TOLD + 1);
        let parts = |one: &Result<String, Malformed>| one.as_ref().unwrap_err().parts;
        assert_eq!(all.iter().map(parts).sum::<u64>(), lines as u64);
        let last = all.last().unwrap().as_ref().unwrap_err();
        assert!(last.why.starts_with("499984 more parts"), "{last}");
        assert_eq!(last.at_byte as u64, 2 * PARTS_TOLD);
        let long = read(&"x".repeat(1 << 20));
        let long = long[0].as_ref().unwrap_err();
        assert!(long.near.len() < 100 && long.why.len() < 100, "{long}");
        assert_eq!(long.size_bytes, 1 << 20);
    }

    #[test]
    fn what_is_no_event_is_malformed_and_never_a_panic() {
        for frame in [
            "",
            "   ",
            "hello",
            "12",
            "null",
            "\"text\"",
            "{",
            "[",
            "[{]",
            "{\"a\":1}",
            "[1,2]",
            "{\"events\":[}",
            "{\"event_type\":\"\u{1F600}",
            "\u{FEFF}{}",
            "}}}}",
        ] {
            let all = read(frame);
            assert!(
                !all.is_empty() && all.iter().all(Result::is_err),
                "{frame:?}: {all:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_decoder_panic(text in "[\\PC\\n{}\\[\\]\":,]{0,200}") {
            read(&text);
        }
    }
}
