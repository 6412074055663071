//! From a frame to its events: one object, an array, newline-delimited objects, or an
//! HTTP V2 envelope.

use bytestring::ByteString;

use super::event::{Event, NotAnEvent};
use super::time::UnixMs;
use super::{json, surrogates};

/// A frame, or a part of one, that holds no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Where in the frame it broke, in bytes from its start.
    pub at_byte: usize,
    /// What is wrong there.
    pub why: String,
    /// The text around the place.
    pub near: String,
    /// The size in bytes of the part that could not be read.
    pub size_bytes: usize,
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
/// One bad event among many costs only itself, where the frame's form lets the others be found.
pub fn decode(
    frame: &ByteString,
    received_ms: UnixMs,
    message_id_field: &str,
    mut take: impl FnMut(Result<Event, Malformed>),
) {
    let frame = &surrogates::replaced(frame);
    let reader = Reader {
        frame,
        received_ms,
        message_id_field,
    };
    let start = frame.trim_start();
    if start.is_empty() {
        take(Err(reader.malformed(frame, 0, "an empty frame".to_owned())));
    } else if start.starts_with('[') {
        reader.list(frame, &mut take);
    } else {
        reader.objects(&mut take);
    }
}

/// A frame that is not UTF-8, told with the byte at which it stops being so.
pub fn not_utf8(frame: &[u8], error: &std::str::Utf8Error) -> Malformed {
    let at = error.valid_up_to();
    let from = at.saturating_sub(20);
    Malformed {
        at_byte: at,
        why: "no UTF-8".to_owned(),
        near: String::from_utf8_lossy(&frame[from..frame.len().min(at + 20)]).into_owned(),
        size_bytes: frame.len(),
    }
}

struct Reader<'a> {
    frame: &'a ByteString,
    received_ms: UnixMs,
    message_id_field: &'a str,
}

impl Reader<'_> {
    /// One object, or several with only white space between them.
    fn objects(&self, take: &mut impl FnMut(Result<Event, Malformed>)) {
        let mut rest = self.frame.clone();
        while !rest.trim_start().is_empty() {
            match Event::read(&rest, self.received_ms, self.message_id_field) {
                Ok((event, used)) => {
                    match event.envelope() {
                        Some(events) => self.list(events, take),
                        None => take(self.checked(event)),
                    }
                    rest = rest.slice_ref(&rest[used..]);
                }
                Err(error) => {
                    // The next line may be sound: a line is the unit of this form.
                    let lead = rest.len() - rest.trim_start().len();
                    let end = memchr::memchr(b'\n', &rest.as_bytes()[lead..]);
                    let end = end.map_or(rest.len(), |end| lead + end);
                    take(Err(self.broken(&rest[..end], &error)));
                    rest = rest.slice_ref(&rest[end..]);
                }
            }
        }
    }

    fn list(&self, raw: &str, take: &mut impl FnMut(Result<Event, Malformed>)) {
        match json::elements(raw) {
            Ok(elements) => {
                for element in elements {
                    let text = self.frame.slice_ref(element);
                    let event = Event::read(&text, self.received_ms, self.message_id_field);
                    take(match event {
                        Ok((event, _)) => self.checked(event),
                        Err(error) => Err(self.broken(element, &error)),
                    });
                }
            }
            Err(error) => take(Err(self.broken(raw, &NotAnEvent::Json(error)))),
        }
    }

    fn checked(&self, event: Event) -> Result<Event, Malformed> {
        let text = event.shared_text().clone();
        event.check().map_err(|error| self.broken(&text, &error))
    }

    fn broken(&self, part: &str, error: &NotAnEvent) -> Malformed {
        match error {
            NotAnEvent::Json(error) => {
                let line_start = part
                    .split_inclusive('\n')
                    .take(error.line().saturating_sub(1))
                    .map(str::len)
                    .sum::<usize>();
                let at = (line_start + error.column().saturating_sub(1)).min(part.len());
                let full = error.to_string();
                let why = full.split(" at line ").next().unwrap_or(&full).to_owned();
                self.malformed(part, at, why)
            }
            NotAnEvent::Foreign => self.malformed(part, 0, error.to_string()),
        }
    }

    /// `at` counts from the start of `part`, which is a slice of the frame.
    fn malformed(&self, part: &str, at: usize, why: String) -> Malformed {
        let offset = part.as_ptr() as usize - self.frame.as_ptr() as usize;
        let around = part.char_indices().map(|(i, _)| i);
        let from = around
            .clone()
            .take_while(|i| i + 20 <= at)
            .last()
            .unwrap_or(0);
        Malformed {
            at_byte: offset + at,
            why,
            near: part[from..].chars().take(40).collect(),
            size_bytes: part.trim().len(),
        }
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
