//! What is checked: an event, and what would be sent of it.

use std::cell::OnceCell;

use crate::amplitude::Reading;
use crate::amplitude::time::UnixMs;
use crate::customerio::mapping::{Identify, Mapped, Mapping, Route};

use super::shape::Shape;

/// What is checked: the event and what would be sent of it.
#[derive(Debug)]
pub struct Subject<'s, 'e> {
    /// The event as received.
    pub reading: &'s Reading<'e>,
    /// What would be sent.
    pub mapped: &'s Mapped<'e>,
    /// By which settings.
    pub mapping: &'s Mapping,
    /// The request that would carry it, where it can be sent at all.
    pub route: Option<&'s Route>,
    /// The clock.
    pub now_ms: UnixMs,
    /// Whether the same dedupe id was accepted before, within the window that is remembered.
    pub seen_before: bool,
    identify: OnceCell<Identify<'e>>,
    shape: OnceCell<Shape>,
}

impl<'s, 'e> Subject<'s, 'e> {
    /// An event that has no route yet and was not seen before.
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
            route: None,
            now_ms,
            seen_before: false,
            identify: OnceCell::new(),
            shape: OnceCell::new(),
        }
    }

    /// What an identify of the event's person would carry, whether one is sent or not.
    pub fn identify(&self) -> &Identify<'e> {
        self.identify
            .get_or_init(|| self.mapping.identify(self.reading))
    }

    /// How deep the event's data is nested, and its numbers.
    pub(super) fn shape(&self) -> &Shape {
        self.shape
            .get_or_init(|| Shape::of(&self.mapped.attributes))
    }

    /// The length of the user properties' JSON, 0 where there are none: most are too short to
    /// break a limit of the identify, which then need not be worked out.
    pub(super) fn user_properties_bytes(&self) -> usize {
        let raw = self
            .reading
            .event()
            .raw(crate::amplitude::Field::UserProperties);
        raw.map_or(0, str::len)
    }
}
