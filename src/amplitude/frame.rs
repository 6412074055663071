//! The events of a frame: one object, an array, newline-delimited objects, HTTP V2 envelopes, or
//! several of these after one another.

use bytestring::ByteString;

use super::event::Event;
pub use super::malformed::Malformed;
use super::split::{self, Splitter, Step};
use super::surrogates;
use super::time::UnixMs;

/// Maximum malformed parts of a frame that are reported one by one; the others are reported as one.
pub const REPORTED_PARTS: u64 = 16;

/// Decodes a frame, and calls `take` with each event or malformed part.
pub fn decode(
    frame: &ByteString,
    received_ms: UnixMs,
    message_id_field: &str,
    take: impl FnMut(Result<Event, Malformed>),
) {
    Events::new(frame, received_ms, message_id_field).for_each(take);
}

/// Iterates over the events and the malformed parts of a frame.
///
/// The first [`REPORTED_PARTS`] malformed parts are reported one by one. All others are reported as
/// one at the end, so that a frame full of them needs no more memory than its own size.
#[derive(Debug)]
pub struct Events<'m> {
    frame: ByteString,
    options: split::SplitOptions<'m>,
    splitter: Splitter,
    malformed: u64,
    others: Option<Malformed>,
    is_ended: bool,
}

impl<'m> Events<'m> {
    /// The events of a frame that was received at `received_ms`.
    pub fn new(frame: &ByteString, received_ms: UnixMs, message_id_field: &'m str) -> Self {
        Self {
            frame: surrogates::replaced(frame),
            options: split::SplitOptions {
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

/// The result of [`Events::advance`].
#[derive(Debug)]
pub enum Progress {
    /// An event, or a malformed part.
    Found(Result<Event, Malformed>),
    /// A malformed part that is reported later with others; its size in bytes.
    Counted(usize),
}

impl Events<'_> {
    /// Takes one element of the frame; none at its end. A caller that must not block while a large
    /// frame is decoded can yield between two elements.
    pub fn advance(&mut self) -> Option<Progress> {
        if self.is_ended {
            return self.others().map(|others| Progress::Found(Err(others)));
        }
        match self.splitter.next(&self.frame, self.options) {
            Step::Found(Err(malformed)) if self.malformed >= REPORTED_PARTS => {
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
            // The frame is whole: there is no more text.
            Step::More | Step::End => {
                self.is_ended = true;
                if self.splitter.is_blank() {
                    let why = "an empty frame";
                    let empty = Malformed::between(&self.frame, (0, 0), 0, why);
                    return Some(Progress::Found(Err(empty)));
                }
                self.others().map(|others| Progress::Found(Err(others)))
            }
        }
    }

    /// The objects of a frame, of any kind: each counts as an event, even an envelope.
    pub fn of_any_kind(frame: &ByteString) -> Events<'static> {
        let mut events = Events::new(frame, 0, "");
        events.options.any_object = true;
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

/// Makes events for other modules' tests.
#[cfg(test)]
pub(crate) mod tests_support {
    use super::{ByteString, Event};

    /// The one event in `text`, received at 1,800,000,000,000 ms.
    pub(crate) fn event(text: &str) -> Event {
        event_at(text, 1_800_000_000_000)
    }

    /// The one event in `text`, received at `received_ms`.
    pub(crate) fn event_at(text: &str, received_ms: i64) -> Event {
        let mut found = None;
        super::decode(&ByteString::from(text), received_ms, "message_id", |one| {
            found = Some(one.unwrap());
        });
        found.unwrap()
    }
}

#[cfg(test)]
mod tests;
