//! From frames to assessed events, part by part.
//!
//! A frame may be large, and broken in each of its elements. So the work is divided into parts of
//! bounded size, between which a task can let others run, and which are passed on before the last
//! event is decoded.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use tokio::sync::OwnedSemaphorePermit;

use crate::amplitude::frame::{Events, Progress};
use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Malformed};
use crate::feed::{Frame, Frames, MessageId, Origin, is_message_id};

use super::assessment::{Assessment, Criteria};

/// Maximum elements of a part: each takes some hundred bytes besides its text.
const MAX_ELEMENTS: usize = 1_024;
/// Bytes after which a part ends: about a millisecond of work.
const PART_BYTES: usize = 256 << 10;
/// The work on an element besides its text, expressed in bytes of text.
const ELEMENT_BYTES: usize = 1 << 10;
/// What an item has besides the parts of its event, in bytes.
const ITEM_BYTES: usize = 256;
/// Maximum excerpt of a malformed frame, in bytes.
const EXCERPT_BYTES: usize = 2_000;

/// Iterates over the parts of some frames.
#[derive(Debug)]
pub(super) struct Decoding<'m> {
    criteria: Criteria,
    message_id_field: &'m str,
    batches: std::vec::IntoIter<Frames>,
    frames: std::vec::IntoIter<Frame>,
    /// The room of the frames in the feed's memory.
    permit: Option<OwnedSemaphorePermit>,
    current: Option<CurrentFrame<'m>>,
    /// About as many elements are to come.
    expected: usize,
    /// The bodies of the items of the current part.
    block: Vec<u8>,
}

/// The frame that is being decoded.
#[derive(Debug)]
struct CurrentFrame<'m> {
    text: ByteString,
    events: Events<'m>,
    received_ms: UnixMs,
    is_resumed: bool,
    last: Option<MessageId>,
    origin: Option<Origin>,
}

/// A part of the work on some frames.
#[derive(Debug)]
pub(super) struct DecodedPart {
    /// The criteria that its events are assessed by.
    pub(super) criteria: Criteria,
    pub(super) elements: Vec<Element>,
    /// The bodies of its items.
    pub(super) block: Bytes,
    /// The time of receipt of its newest frame.
    pub(super) received_ms: Option<UnixMs>,
    /// The first message id that can't be used to resume.
    pub(super) unusable_id: Option<String>,
    /// The room of frames in the feed's memory whose last events are in this part.
    pub(super) permits: Vec<OwnedSemaphorePermit>,
}

/// An element of a part.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all elements are events, and a box for each would cost more than the space"
)]
pub(super) enum Element {
    Event(Assessment),
    /// A malformed part of a frame, an excerpt of it, and its time of receipt.
    Malformed(Malformed, ByteString, UnixMs),
    /// The next event is the first one after a reconnect; its message.
    Resumed(Option<MessageId>),
    /// A frame is whole, and its last message is this one: it is safe once the frame is.
    FrameEnd(MessageId),
    /// The next events are those of this message of a shared stream.
    Begin(Origin),
    /// They were all.
    End(Origin),
}

impl<'m> Decoding<'m> {
    /// Decodes `batches`, and assesses their events by `criteria`. `message_id_field` is the field
    /// of a frame that has its message id.
    pub(super) fn new(batches: Vec<Frames>, criteria: Criteria, message_id_field: &'m str) -> Self {
        let frames = || batches.iter().flat_map(|batch| &batch.frames);
        // An item takes about as much as its event.
        let expected_bytes: usize = frames().map(|f| f.size_bytes() + ITEM_BYTES).sum();
        Self {
            criteria,
            message_id_field,
            expected: frames().count(),
            batches: batches.into_iter(),
            frames: Vec::new().into_iter(),
            permit: None,
            current: None,
            block: Vec::with_capacity(expected_bytes.min(PART_BYTES)),
        }
    }

    /// Adds the next element of the current frame to the part. Returns false at the frame's end.
    fn take_element(&mut self, part: &mut DecodedPart, cost: &mut usize) -> bool {
        let Some(current) = &mut self.current else {
            return false;
        };
        *cost += ELEMENT_BYTES;
        match current.events.advance() {
            Some(Progress::Found(Ok(event))) => {
                *cost += event.size_bytes();
                current.take_message_id(&event, part);
                let assessment = self.criteria.assess(event, &mut self.block);
                part.elements.push(Element::Event(assessment));
            }
            Some(Progress::Found(Err(malformed))) => {
                *cost += malformed.size_bytes;
                let kept = excerpt(&current.text, &malformed);
                let element = Element::Malformed(malformed, kept, current.received_ms);
                part.elements.push(element);
            }
            Some(Progress::Counted(size_bytes)) => *cost += size_bytes,
            None => {
                part.elements
                    .extend(current.last.take().map(Element::FrameEnd));
                part.elements.extend(current.origin.map(Element::End));
                self.current = None;
                return false;
            }
        }
        true
    }

    /// Begins the next frame. Returns false if there is none.
    fn begin_frame(&mut self, part: &mut DecodedPart) -> bool {
        loop {
            let Some(frame) = self.frames.next() else {
                part.permits.extend(self.permit.take());
                let Some(batch) = self.batches.next() else {
                    return false;
                };
                self.frames = batch.frames.into_iter();
                self.permit = Some(batch.permit);
                continue;
            };
            part.received_ms = Some(frame.received_ms);
            part.elements.extend(frame.origin.map(Element::Begin));
            match frame.text {
                Ok(text) => {
                    self.current = Some(CurrentFrame {
                        events: Events::new(&text, frame.received_ms, self.message_id_field),
                        text,
                        received_ms: frame.received_ms,
                        is_resumed: frame.resumed,
                        last: None,
                        origin: frame.origin,
                    });
                    return true;
                }
                Err(malformed) => {
                    let near = malformed.near.clone().into();
                    let element = Element::Malformed(malformed, near, frame.received_ms);
                    part.elements.push(element);
                    part.elements.extend(frame.origin.map(Element::End));
                }
            }
        }
    }
}

impl Iterator for Decoding<'_> {
    type Item = DecodedPart;

    fn next(&mut self) -> Option<DecodedPart> {
        let mut part = DecodedPart {
            criteria: self.criteria.clone(),
            elements: Vec::with_capacity(self.expected.min(MAX_ELEMENTS)),
            block: Bytes::new(),
            received_ms: None,
            unusable_id: None,
            permits: Vec::new(),
        };
        let mut cost = 0;
        while cost < PART_BYTES && part.elements.len() < MAX_ELEMENTS {
            if !self.take_element(&mut part, &mut cost) && !self.begin_frame(&mut part) {
                break;
            }
        }
        self.expected = self.expected.saturating_sub(part.elements.len());
        // A waiting item keeps its block, which therefore has no unused end.
        part.block = std::mem::take(&mut self.block).into_boxed_slice().into();
        let is_empty = cost == 0 && part.elements.is_empty() && part.permits.is_empty();
        (!is_empty).then_some(part)
    }
}

impl CurrentFrame<'_> {
    fn take_message_id(&mut self, event: &Event, part: &mut DecodedPart) {
        let found = event.message_id();
        let usable = found.as_deref().filter(|id| is_message_id(id));
        if let (Some(id), None, None) = (&found, usable, &part.unusable_id) {
            part.unusable_id = Some(id.clone().into_owned());
        }
        if let Some(id) = usable {
            self.last = Some(id.into());
        }
        if std::mem::take(&mut self.is_resumed) {
            let id = usable.map(Arc::from);
            part.elements.push(Element::Resumed(id));
        }
    }
}

/// Copies an excerpt of a malformed part, so that its frame can be freed.
fn excerpt(frame: &str, malformed: &Malformed) -> ByteString {
    let around = malformed.at_byte.saturating_sub(EXCERPT_BYTES / 2);
    let from = frame.floor_char_boundary(around.max(malformed.from_byte));
    let end = malformed.from_byte.saturating_add(malformed.size_bytes);
    let part = &frame[from..frame.floor_char_boundary(end).max(from)];
    part[..part.floor_char_boundary(EXCERPT_BYTES)].into()
}
