//! One Amplitude event, in either dialect.

use std::borrow::Cow;
use std::ops::Range;

use bytestring::ByteString;

use super::json;
use super::time::{self, TimeError, UnixMs};

/// The fields whose positions are recorded when an event is received.
///
/// The two dialects name some of them differently: the Export API and Webhooks Streaming write
/// `$insert_id` and `event_time`, HTTP V2 and Batch write `insert_id` and `time`. They are separate
/// fields here, so that a `null` of one dialect never hides a value of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Field {
    /// `uuid`, assigned by Amplitude; unique by itself.
    Uuid,
    /// `$insert_id`, unique together with the device.
    InsertId,
    /// `insert_id`: `$insert_id` in HTTP V2's dialect.
    SdkInsertId,
    /// `user_id`: the person, absent for anonymous users.
    UserId,
    /// `device_id`.
    DeviceId,
    /// `event_type`.
    EventType,
    /// `event_time`: corrected by Amplitude for the device's clock.
    EventTime,
    /// `time`, in milliseconds: by the device's clock.
    SdkTime,
    /// `client_event_time`: the `time` that an SDK sent.
    ClientEventTime,
    /// `event_properties`.
    EventProperties,
    /// `user_properties`.
    UserProperties,
    /// `group_properties`.
    GroupProperties,
    /// `groups`.
    Groups,
    /// The feed's own message id; the settings give its name.
    MessageId,
    /// `events`: the list of an HTTP V2 envelope, not part of an event.
    Events,
}

const FIELDS: usize = Field::Events as usize + 1;

/// The revenue fields that HTTP V2 has beside the event's properties.
/// Source: Amplitude, HTTP V2 API, keys of an event.
pub const REVENUE: [&str; 5] = ["price", "quantity", "revenue", "productId", "revenueType"];

/// The position of a raw value in the event's text, in bytes. Length 0 means absent, as no JSON value
/// is empty.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: u32,
    len: u32,
}

/// One event: its text, and the positions of its main fields.
///
/// The text is a slice of its frame. Nothing is copied, and fields are parsed when they are read.
#[derive(Debug, Clone)]
pub struct Event {
    text: ByteString,
    spans: [Span; FIELDS],
    has_revenue: bool,
    is_plain: bool,
    received_ms: UnixMs,
}

/// The reason why an object is not an event.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAnEvent {
    #[error(transparent)]
    Json(#[from] json::Broken),
    #[error(
        "no Amplitude event: it has none of event_type, user_id, device_id and event_properties"
    )]
    Foreign,
}

impl Event {
    /// Parses the object that `text` starts with. Returns the event and the number of bytes parsed.
    pub(super) fn read(
        text: &ByteString,
        received_ms: UnixMs,
        message_id_field: &str,
    ) -> Result<(Self, usize), NotAnEvent> {
        let base = text.as_ptr() as usize;
        let mut spans = [Span::default(); FIELDS];
        let mut has_revenue = false;
        let scanned = json::each_entry(text, |key, value| {
            // `null` counts as absent, even if the name is repeated.
            if value == "null" {
                return;
            }
            if let Some(field) = field_of(&key, message_id_field) {
                spans[field as usize] = Span {
                    start: (value.as_ptr() as usize - base) as u32,
                    len: value.len() as u32,
                };
            } else {
                has_revenue |= REVENUE.contains(&key.as_ref());
            }
        })?;
        let used = scanned.bytes;
        let event = Self {
            text: text.slice_ref(text[..used].trim()),
            spans,
            has_revenue,
            is_plain: scanned.is_plain,
            received_ms,
        };
        let lead = text.len() - text.trim_start().len();
        Ok((event.shifted(lead), used))
    }

    /// Moves the spans from the parsed text to the event's own text, which starts `lead` bytes later.
    fn shifted(mut self, lead: usize) -> Self {
        for span in &mut self.spans {
            if span.len > 0 {
                span.start -= lead as u32;
            }
        }
        self
    }

    /// The raw list of events, if this is an HTTP V2 envelope.
    pub(super) fn envelope(&self) -> Option<&str> {
        let events = self.raw(Field::Events)?;
        (self.raw(Field::EventType).is_none() && events.starts_with('[')).then_some(events)
    }

    /// Returns an error unless the object has a field of an Amplitude event.
    pub(super) fn check(self) -> Result<Self, NotAnEvent> {
        let own = [
            Field::EventType,
            Field::UserId,
            Field::DeviceId,
            Field::EventProperties,
        ];
        if own.iter().any(|f| self.spans[*f as usize].len > 0) {
            Ok(self)
        } else {
            Err(NotAnEvent::Foreign)
        }
    }

    /// The JSON of the event, as received.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as a shared slice of the frame.
    pub fn shared_text(&self) -> &ByteString {
        &self.text
    }

    /// The event's size in bytes.
    pub fn size_bytes(&self) -> usize {
        self.text.len()
    }

    /// The time at which the event's frame was received, by this machine's clock.
    pub fn received_ms(&self) -> UnixMs {
        self.received_ms
    }

    /// Whether the event has any of the fields in [`REVENUE`] beside its properties.
    pub fn has_revenue(&self) -> bool {
        self.has_revenue
    }

    /// Whether every number in it fits a 64-bit float and it is at most [`json::MAX_DEPTH`] deep, as
    /// far as the scan of its text told.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// The raw JSON of a field; none if it is absent or `null`.
    pub fn raw(&self, field: Field) -> Option<&str> {
        let Span { start, len } = self.spans[field as usize];
        let raw = &self.text[start as usize..][..len as usize];
        (len > 0).then_some(raw)
    }

    /// The positions of the parts of an event in its text, for a second scan.
    pub(super) fn parts(&self) -> [Range<usize>; 4] {
        let parts = [
            Field::EventProperties,
            Field::UserProperties,
            Field::GroupProperties,
            Field::Groups,
        ];
        parts.map(|field| {
            let Span { start, len } = self.spans[field as usize];
            // The text has no value at its start: an absent part has no position.
            start as usize..(start + len) as usize
        })
    }

    /// The text of a scalar without surrounding spaces; none if it is empty.
    fn scalar(&self, field: Field) -> Option<Cow<'_, str>> {
        self.raw(field).and_then(json::scalar).and_then(trimmed)
    }

    /// `user_id`, trimmed as Amplitude trims it; none if it is blank. Numbers stay as written.
    pub fn user_id(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::UserId)
    }

    /// `device_id`, trimmed in the same way.
    pub fn device_id(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::DeviceId)
    }

    /// `event_type`, not trimmed.
    pub fn event_type(&self) -> Option<Cow<'_, str>> {
        self.raw(Field::EventType).and_then(json::scalar)
    }

    /// `uuid`.
    pub fn uuid(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::Uuid)
    }

    /// `$insert_id` or `insert_id`.
    pub fn insert_id(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::InsertId)
            .or_else(|| self.scalar(Field::SdkInsertId))
    }

    /// The raw JSON of `$insert_id` or `insert_id`.
    pub fn raw_insert_id(&self) -> Option<&str> {
        self.raw(Field::InsertId)
            .or_else(|| self.raw(Field::SdkInsertId))
    }

    /// The feed's message id, from which a reconnect resumes.
    pub fn message_id(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::MessageId)
    }

    /// The time of the event: `event_time`, or `time`, or `client_event_time`.
    pub fn time(&self) -> Result<UnixMs, TimeError> {
        let mut times = self.times([Field::EventTime, Field::SdkTime, Field::ClientEventTime]);
        times.next().unwrap_or(Err(TimeError::Missing))
    }

    /// The time of the event by the device's clock; none if no time can be read. It is the same in
    /// both dialects: Amplitude keeps an SDK's `time` as `client_event_time`, and corrects only
    /// `event_time`.
    pub fn device_time(&self) -> Option<UnixMs> {
        let times = self.times([Field::ClientEventTime, Field::SdkTime, Field::EventTime]);
        times.flatten().next()
    }

    /// The times of those of these fields that are present.
    fn times(&self, fields: [Field; 3]) -> impl Iterator<Item = Result<UnixMs, TimeError>> {
        let raws = fields.into_iter().filter_map(|field| self.raw(field));
        raws.map(time::parse)
    }

    /// Calls `visit` with the key and the raw value of every field except the feed's message id.
    pub fn each_own_field<'e>(&'e self, mut visit: impl FnMut(&str, &'e str)) {
        let message_id = self.raw(Field::MessageId).map(str::as_ptr);
        // This can't fail: the event was parsed before.
        let _ = json::each_entry(&self.text, |key, value| {
            if Some(value.as_ptr()) != message_id {
                visit(&key, value);
            }
        });
    }
}

/// The text without surrounding spaces; none if it is empty.
pub fn trimmed(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() < text.len() => Cow::Owned(text.trim().to_owned()),
        owned @ Cow::Owned(_) => owned,
    };
    (!text.is_empty()).then_some(text)
}

fn field_of(key: &str, message_id_field: &str) -> Option<Field> {
    Some(match key {
        "uuid" => Field::Uuid,
        "$insert_id" => Field::InsertId,
        "insert_id" => Field::SdkInsertId,
        "user_id" => Field::UserId,
        "device_id" => Field::DeviceId,
        "event_type" => Field::EventType,
        "event_time" => Field::EventTime,
        "time" => Field::SdkTime,
        "client_event_time" => Field::ClientEventTime,
        "event_properties" => Field::EventProperties,
        "user_properties" => Field::UserProperties,
        "group_properties" => Field::GroupProperties,
        "groups" => Field::Groups,
        "events" => Field::Events,
        _ if key == message_id_field => Field::MessageId,
        _ => return None,
    })
}
