//! The limits of an event's name and data.

use ulid::Ulid;

use crate::amplitude::event::REVENUE;
use crate::amplitude::json::{self, Kind};
use crate::amplitude::{Event, Field};
use crate::customerio::sizes::{EVENT_DATA_BYTES, EVENT_NAME_BYTES};
use crate::text::grouped;

use super::breach::Breach;
use super::subject::Subject;
use super::wording::{listed, short_name};

pub(super) fn event_name_missing(subject: &Subject<'_, '_>) -> Option<Breach> {
    subject
        .mapped
        .name
        .is_empty()
        .then(|| Breach::new(0, "event_type", "the event has no name, or only spaces"))
}

pub(super) fn name_bytes(subject: &Subject<'_, '_>) -> usize {
    subject.mapped.name.len()
}

pub(super) fn event_name_too_long(subject: &Subject<'_, '_>) -> Option<Breach> {
    Breach::if_over(name_bytes(subject), EVENT_NAME_BYTES, || {
        ("event_type".to_owned(), "the event's name".to_owned())
    })
}

pub(super) fn event_name_reserved(subject: &Subject<'_, '_>) -> Option<Breach> {
    let name = subject.mapped.name.as_ref();
    matches!(name, "_all" | "_identify")
        .then(|| Breach::new(0, "event_type", format!("{name} is reserved by Amplitude")))
}

pub(super) fn data_bytes(subject: &Subject<'_, '_>) -> usize {
    subject.mapped.attributes().len()
}

pub(super) fn event_data_too_large(subject: &Subject<'_, '_>) -> Option<Breach> {
    Breach::if_over(data_bytes(subject), EVENT_DATA_BYTES, || {
        let properties = subject.reading.event_properties().iter();
        let largest = properties.max_by_key(|(_, raw)| raw.len());
        let (path, largest) = largest.map_or_else(
            || ("event_properties".to_owned(), String::new()),
            |(name, raw)| {
                let name = short_name(name);
                (
                    format!("event_properties.{name}"),
                    format!(" (largest: {name}, {} B)", grouped(raw.len() as u64)),
                )
            },
        );
        (path, format!("the event's data{largest}"))
    })
}

/// Properties that override a campaign's own settings: Customer.io Track API, event.
const RESERVED: [&str; 3] = ["from_address", "recipient", "reply_to"];

pub(super) fn reserved_property(subject: &Subject<'_, '_>) -> Option<Breach> {
    // Only a property or a field can have such a name: all others have a prefix, or are parts.
    let properties = subject.reading.event_properties().iter();
    let names = properties.map(|(name, _)| name.as_ref());
    let fields = subject.mapping.fields.iter().map(String::as_str);
    if !names.chain(fields).any(|name| RESERVED.contains(&name)) {
        return None;
    }
    let keys = json::entries(std::str::from_utf8(subject.mapped.attributes()).ok()?)?;
    let mut names = keys.iter().map(|(name, _)| name.as_ref());
    let name = names.find(|name| RESERVED.contains(name))?;
    let sentence =
        format!("{name} overrides the campaign's own settings: mail can go to the wrong person");
    Some(Breach::new(1, format!("event_properties.{name}"), sentence))
}

pub(super) fn json_as_text(subject: &Subject<'_, '_>) -> Option<Breach> {
    if !may_have_json_as_text(subject) {
        return None;
    }
    let text = std::str::from_utf8(subject.mapped.attributes()).ok()?;
    let mut found = json::entries(text)?.into_iter().flat_map(|(name, raw)| {
        if !PARTS.contains(&name.as_ref()) {
            let own = is_json_as_text(raw).then(|| ("event_properties".into(), name));
            return own.into_iter().collect::<Vec<_>>();
        }
        let below = json::entries(raw).unwrap_or_default();
        let texts = below.into_iter().filter(|(_, raw)| is_json_as_text(raw));
        texts.map(|(key, _)| (name.clone(), key)).collect()
    });
    let (part, name) = found.next()?;
    let more = match found.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let sentence = format!(
        "{}{more} is JSON written as text: Customer.io can't look into it",
        short_name(&name)
    );
    Some(Breach::new(
        1,
        format!("{part}.{}", short_name(&name)),
        sentence,
    ))
}

/// Whether a value that may be sent begins like an object or an array in a string. Most events have
/// none.
fn may_have_json_as_text(subject: &Subject<'_, '_>) -> bool {
    let event = subject.reading.event();
    let mut properties = subject.reading.event_properties().iter();
    let raw = |part| event.raw(part).unwrap_or_default();
    let others = [Field::UserProperties, Field::GroupProperties, Field::Groups].map(raw);
    !subject.mapping.fields.is_empty()
        || properties.any(|(_, raw)| begins_as_json_in_text(raw))
        // It is no object, and is sent as it is.
        || begins_as_json_in_text(raw(Field::EventProperties))
        || others.iter().any(|raw| raw.contains("\"{") || raw.contains("\"["))
}

/// The parts of an event's data that hold properties of their own.
const PARTS: [&str; 3] = ["user_properties", "group_properties", "groups"];

/// Whether a value is a string that holds an object or an array.
fn is_json_as_text(raw: &str) -> bool {
    begins_as_json_in_text(raw)
        && json::string(raw)
            .is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok())
}

fn begins_as_json_in_text(raw: &str) -> bool {
    raw.starts_with("\"{") || raw.starts_with("\"[")
}

pub(super) fn revenue_unsent(subject: &Subject<'_, '_>) -> Option<Breach> {
    if subject.mapping.revenue || !subject.reading.event().has_revenue() {
        return None;
    }
    let is_unsent = |name: &&str| {
        let value = subject.reading.field(name);
        value.is_some_and(|raw| json::kind(raw) != Kind::Null)
            && !subject.mapping.fields.iter().any(|field| field == name)
    };
    let unsent: Vec<&str> = REVENUE.into_iter().filter(is_unsent).collect();
    let first = *unsent.first()?;
    let sentence = format!(
        "{} are not sent: they are beside the event's properties; set mapping.revenue = true \
         to send them",
        listed(unsent.iter().copied())
    );
    Some(Breach::new(unsent.len(), first, sentence))
}

pub(super) fn number_out_of_range(subject: &Subject<'_, '_>) -> Option<Breach> {
    if subject.reading.event().is_plain() {
        return None;
    }
    let number = subject
        .mapped
        .attributes()
        .get(subject.shape().too_large.clone()?)?;
    let number = String::from_utf8_lossy(number);
    let sentence = format!(
        "the number {} is too large for most parsers, which refuse the whole request",
        short_name(&number)
    );
    Some(Breach::new(1, "event_properties", sentence))
}

pub(super) fn depth(subject: &Subject<'_, '_>) -> usize {
    subject.shape().depth
}

pub(super) fn nested_too_deeply(subject: &Subject<'_, '_>) -> Option<Breach> {
    if subject.reading.event().is_plain() {
        return None;
    }
    let depth = depth(subject);
    (depth > json::MAX_DEPTH).then(|| {
        let sentence = format!(
            "the event's data is nested {} deep, {} levels are allowed",
            grouped(depth as u64),
            json::MAX_DEPTH
        );
        Breach::new(depth, "event_properties", sentence)
    })
}

pub(super) fn duplicate(subject: &Subject<'_, '_>) -> Option<Breach> {
    subject
        .seen_before
        .then(|| duplicate_of(subject.reading.event(), subject.mapped.id))
}

/// The breach of an event that was accepted before.
pub(super) fn duplicate_of(event: &Event, id: Ulid) -> Breach {
    let path = if event.insert_id().is_some() {
        "$insert_id"
    } else if event.uuid().is_some() {
        "uuid"
    } else {
        "event_type"
    };
    Breach::new(2, path, format!("accepted before, as {id}"))
}

pub(super) fn by_v1(subject: &Subject<'_, '_>) -> Option<Breach> {
    if !is_sent_by_v1(subject) {
        return None;
    }
    let bytes = data_bytes(subject);
    let sentence = format!(
        "{} B of data: too large for a batch, sent alone by v1",
        grouped(bytes as u64)
    );
    Some(Breach::new(bytes, "event_properties", sentence))
}

fn is_sent_by_v1(subject: &Subject<'_, '_>) -> bool {
    data_bytes(subject) <= EVENT_DATA_BYTES && subject.mapped.is_sent_by_v1()
}
