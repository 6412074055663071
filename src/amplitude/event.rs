//! One Amplitude event, whichever dialect it was written in.

use std::borrow::Cow;

use bytestring::ByteString;

use super::json;
use super::time::{self, TimeError, UnixMs};

/// The fields that every event is asked for; where each lies is noted when it is received.
///
/// The two dialects name two of them differently: the Export API and Webhooks Streaming
/// write `$insert_id` and `event_time`, HTTP V2 and Batch write `insert_id` and `time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Field {
    /// `uuid`, given by Amplitude; unique by itself.
    Uuid,
    /// `$insert_id` or `insert_id`; unique together with the device.
    InsertId,
    /// `user_id`: the person, absent for anonymous users.
    UserId,
    /// `device_id`.
    DeviceId,
    /// `event_type`.
    EventType,
    /// `event_time`, or `time` in milliseconds.
    Time,
    /// `event_properties`.
    EventProperties,
    /// `user_properties`.
    UserProperties,
    /// `group_properties`.
    GroupProperties,
    /// `groups`.
    Groups,
    /// The feed's own message id, under the name that the settings give.
    MessageId,
    /// `events`: the list of an HTTP V2 envelope, never part of an event.
    Events,
}

const FIELDS: usize = Field::Events as usize + 1;

/// Where a raw value lies in the event's text. Length 0 means absent: no JSON value is empty.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: u32,
    len: u32,
}

/// One event: the text it was received in and where its main fields lie.
///
/// The text is a slice of the frame that carried it; nothing is copied, and what is not
/// asked for is not parsed.
#[derive(Debug, Clone)]
pub struct Event {
    text: ByteString,
    spans: [Span; FIELDS],
    received_ms: UnixMs,
}

/// Why an object is no event.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAnEvent {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(
        "no Amplitude event: none of event_type, user_id, device_id and event_properties is there"
    )]
    Foreign,
}

impl Event {
    /// Reads the object that `text` starts with and returns the event with the number of
    /// bytes it took.
    pub(super) fn read(
        text: &ByteString,
        received_ms: UnixMs,
        message_id_field: &str,
    ) -> Result<(Self, usize), NotAnEvent> {
        let base = text.as_ptr() as usize;
        let mut spans = [Span::default(); FIELDS];
        let used = json::each_entry(text, |key, value| {
            if let Some(field) = field_of(&key, message_id_field) {
                spans[field as usize] = Span {
                    start: (value.as_ptr() as usize - base) as u32,
                    len: value.len() as u32,
                };
            }
        })?;
        let event = Self {
            text: text.slice_ref(text[..used].trim()),
            spans,
            received_ms,
        };
        let lead = text.len() - text.trim_start().len();
        Ok((event.shifted(lead), used))
    }

    /// Spans count from the text handed in; the event's own text starts `lead` bytes later.
    fn shifted(mut self, lead: usize) -> Self {
        for span in &mut self.spans {
            if span.len > 0 {
                span.start -= lead as u32;
            }
        }
        self
    }

    /// The event for which the envelope's own list stands, if this is an HTTP V2 envelope.
    pub(super) fn envelope(&self) -> Option<&str> {
        let events = self.raw(Field::Events)?;
        (self.raw(Field::EventType).is_none() && events.starts_with('[')).then_some(events)
    }

    /// Whether anything in it is an Amplitude event's.
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

    /// The text of the event's object, as received.
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

    /// When the frame that carried the event was received, by this machine's clock.
    pub fn received_ms(&self) -> UnixMs {
        self.received_ms
    }

    /// A field's raw JSON; absent and `null` are the same.
    pub fn raw(&self, field: Field) -> Option<&str> {
        let Span { start, len } = self.spans[field as usize];
        let raw = &self.text[start as usize..][..len as usize];
        (len > 0 && raw != "null").then_some(raw)
    }

    fn scalar(&self, field: Field) -> Option<Cow<'_, str>> {
        self.raw(field).and_then(json::scalar)
    }

    /// `user_id`; numbers are taken as they are written.
    pub fn user_id(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::UserId)
    }

    /// `device_id`.
    pub fn device_id(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::DeviceId)
    }

    /// `event_type`.
    pub fn event_type(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::EventType)
    }

    /// `uuid`.
    pub fn uuid(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::Uuid).filter(|id| !id.is_empty())
    }

    /// `$insert_id` or `insert_id`.
    pub fn insert_id(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::InsertId).filter(|id| !id.is_empty())
    }

    /// The feed's message id, by which a reconnect resumes.
    pub fn message_id(&self) -> Option<Cow<'_, str>> {
        self.scalar(Field::MessageId)
    }

    /// When it happened.
    pub fn time(&self) -> Result<UnixMs, TimeError> {
        self.raw(Field::Time)
            .map_or(Err(TimeError::Missing), time::parse)
    }
}

fn field_of(key: &str, message_id_field: &str) -> Option<Field> {
    Some(match key {
        "uuid" => Field::Uuid,
        "$insert_id" | "insert_id" => Field::InsertId,
        "user_id" => Field::UserId,
        "device_id" => Field::DeviceId,
        "event_type" => Field::EventType,
        "event_time" | "time" => Field::Time,
        "event_properties" => Field::EventProperties,
        "user_properties" => Field::UserProperties,
        "group_properties" => Field::GroupProperties,
        "groups" => Field::Groups,
        "events" => Field::Events,
        _ if key == message_id_field => Field::MessageId,
        _ => return None,
    })
}
