//! The input of all checks.

use std::cell::OnceCell;

use crate::amplitude::Reading;
use crate::amplitude::time::UnixMs;
use crate::customerio::mapping::{Identify, Mapped, Mapping};

use super::shape::JsonShape;

/// An event, as received and as it would be sent.
#[derive(Debug)]
pub struct Subject<'s, 'e> {
    /// The event as received.
    pub reading: &'s Reading<'e>,
    /// The event as it would be sent.
    pub mapped: &'s Mapped<'e>,
    /// The settings that it was mapped by.
    pub mapping: &'s Mapping,
    /// The time now.
    pub now_ms: UnixMs,
    /// Whether an event with the same dedupe id was accepted before, among those remembered.
    pub seen_before: bool,
    identify: OnceCell<Identify<'e>>,
    shape: OnceCell<JsonShape>,
}

impl<'s, 'e> Subject<'s, 'e> {
    /// Creates a subject that was not seen before.
    pub fn new(
        reading: &'s Reading<'e>,
        mapped: &'s Mapped<'e>,
        mapping: &'s Mapping,
        now_ms: UnixMs,
    ) -> Self {
        Self {
            reading,
            mapped,
            mapping,
            now_ms,
            seen_before: false,
            identify: OnceCell::new(),
            shape: OnceCell::new(),
        }
    }

    /// The identify of the event's person, even if none is sent. It is computed once.
    pub fn identify(&self) -> &Identify<'e> {
        self.identify
            .get_or_init(|| self.mapping.identify(self.reading))
    }

    /// The depth and the numbers of the event's data. They are computed once.
    pub(super) fn shape(&self) -> &JsonShape {
        self.shape
            .get_or_init(|| JsonShape::of(self.mapped.attributes()))
    }

    /// The size of the user properties' JSON, 0 if there are none. Most are too short to break a
    /// limit of the identify, so that the identify need not be computed.
    pub(super) fn user_properties_bytes(&self) -> usize {
        let raw = self
            .reading
            .event()
            .raw(crate::amplitude::Field::UserProperties);
        raw.map_or(0, str::len)
    }
}
