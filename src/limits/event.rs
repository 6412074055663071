//! The limits of an event's name and data.

use crate::amplitude::event::REVENUE;
use crate::amplitude::json::{self, Kind};
use crate::customerio::mapping::Route;
use crate::customerio::sizes::{BATCH_ITEM_BYTES, EVENT_DATA_BYTES, EVENT_NAME_BYTES};
use crate::text::grouped;

use super::wording::{breach, listed, over, shown_key};
use super::{Code, Limit, Policy, Scope, Subject, Unit};

pub(super) const EVENT_NAME_MISSING: Limit = Limit {
    code: Code::EventNameMissing,
    name: "event_name_missing",
    policy: Policy::Reject,
    summary: "the event has a name",
    source: "Customer.io Track API, event: name is required",
    limit: 1,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        s.mapped.name.is_empty().then(|| {
            breach(
                0,
                "event_type",
                "the event has no name, or one of spaces only".to_owned(),
            )
        })
    },
};

pub(super) const EVENT_NAME_TOO_LONG: Limit = Limit {
    code: Code::EventNameTooLong,
    name: "event_name_too_long",
    policy: Policy::Reject,
    summary: "the event's name is at most 100 bytes",
    source: "Customer.io Track API, event limits",
    limit: EVENT_NAME_BYTES as u64,
    unit: Unit::Bytes,
    scope: Scope::Event,
    check: |s| {
        over(s.mapped.name.len(), EVENT_NAME_BYTES, || {
            ("event_type".to_owned(), "the event's name".to_owned())
        })
    },
};

pub(super) const EVENT_NAME_RESERVED: Limit = Limit {
    code: Code::EventNameReserved,
    name: "event_name_reserved",
    policy: Policy::Reject,
    summary: "the event's name is not one that Amplitude reserves",
    source: "Amplitude, event streaming: _all and _identify can't be streamed",
    limit: 1,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        let name = s.mapped.name.as_ref();
        matches!(name, "_all" | "_identify")
            .then(|| breach(0, "event_type", format!("{name} is reserved by Amplitude")))
    },
};

pub(super) const EVENT_DATA_TOO_LARGE: Limit = Limit {
    code: Code::EventDataTooLarge,
    name: "event_data_too_large",
    policy: Policy::Reject,
    summary: "the event's data is at most 100,000 bytes",
    source: "Customer.io Track API v1, event limits; Amplitude, Customer.io destination",
    limit: EVENT_DATA_BYTES as u64,
    unit: Unit::Bytes,
    scope: Scope::Event,
    check: |s| {
        over(s.mapped.attributes.len(), EVENT_DATA_BYTES, || {
            let properties = s.reading.event_properties().iter();
            let largest = properties.max_by_key(|(_, raw)| raw.len());
            let (path, largest) = largest.map_or_else(
                || ("event_properties".to_owned(), String::new()),
                |(name, raw)| {
                    let name = shown_key(name);
                    (
                        format!("event_properties.{name}"),
                        format!(" (largest: {name}, {} B)", grouped(raw.len() as u64)),
                    )
                },
            );
            (path, format!("the event's data{largest}"))
        })
    },
};

/// The properties that override a campaign's own settings.
const RESERVED: [&str; 3] = ["from_address", "recipient", "reply_to"];

pub(super) const RESERVED_PROPERTY: Limit = Limit {
    code: Code::ReservedProperty,
    name: "reserved_property",
    policy: Policy::Warn,
    summary: "from_address, recipient and reply_to are not among the event's data",
    source: "Customer.io Track API, event: they override a campaign's own settings",
    limit: 0,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        let text = std::str::from_utf8(&s.mapped.attributes).ok()?;
        // A reserved word can only be a key where its letters stand, or an escape: most events
        // have none.
        let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
        if !has(r"\u") && !RESERVED.iter().any(|word| has(word)) {
            return None;
        }
        let keys = json::entries(text)?;
        let mut names = keys.iter().map(|(name, _)| name.as_ref());
        let name = names.find(|name| RESERVED.contains(name))?;
        let says = format!(
            "{name} overrides the campaign's own settings: mail can go to the wrong person"
        );
        Some(breach(1, format!("event_properties.{name}"), says))
    },
};

pub(super) const JSON_AS_TEXT: Limit = Limit {
    code: Code::JsonAsText,
    name: "json_as_text",
    policy: Policy::Warn,
    summary: "no property is JSON that was written as text",
    source: "sluicegate: Customer.io can't look into it, as it can into an object or an array",
    limit: 0,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        let text = std::str::from_utf8(&s.mapped.attributes).ok()?;
        // Most events have no text that begins so.
        let has = |start: &[u8]| memchr::memmem::find(text.as_bytes(), start).is_some();
        if !has(b"\"{") && !has(b"\"[") {
            return None;
        }
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
        let says = format!(
            "{}{more} is JSON written as text: Customer.io can't look into it",
            shown_key(&name)
        );
        Some(breach(1, format!("{part}.{}", shown_key(&name)), says))
    },
};

/// Where properties stand below the top of an event's data.
const PARTS: [&str; 3] = ["user_properties", "group_properties", "groups"];

/// Whether a value is a string that holds an object or an array.
fn is_json_as_text(raw: &str) -> bool {
    if !raw.starts_with("\"{") && !raw.starts_with("\"[") {
        return false;
    }
    json::string(raw)
        .is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok())
}

pub(super) const REVENUE_UNSENT: Limit = Limit {
    code: Code::RevenueUnsent,
    name: "revenue_unsent",
    policy: Policy::Warn,
    summary: "no revenue stands beside the event's properties, where it would stay behind",
    source: "Amplitude, HTTP V2 API: price, quantity, revenue, productId, revenueType",
    limit: 0,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        if s.mapping.revenue || !s.reading.event().has_revenue() {
            return None;
        }
        let is_left = |name: &&str| {
            let value = s.reading.field(name);
            value.is_some_and(|raw| json::kind(raw) != Kind::Null)
                && !s.mapping.fields.iter().any(|field| field == name)
        };
        let left: Vec<&str> = REVENUE.into_iter().filter(is_left).collect();
        let first = *left.first()?;
        let says = format!(
            "{} stay behind: they stand beside the event's properties; set mapping.revenue = true \
             to send them",
            listed(left.iter().copied())
        );
        Some(breach(left.len(), first, says))
    },
};

pub(super) const NUMBER_OUT_OF_RANGE: Limit = Limit {
    code: Code::NumberOutOfRange,
    name: "number_out_of_range",
    policy: Policy::Reject,
    summary: "every number fits into a 64-bit float",
    source: "RFC 8259, numbers: a parser that can't hold one refuses the whole request",
    limit: 0,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        let number = s.mapped.attributes.get(s.shape().too_large.clone()?)?;
        let number = String::from_utf8_lossy(number);
        let says = format!(
            "the number {} is too large for most parsers: one of them refuses the whole request",
            shown_key(&number)
        );
        Some(breach(1, "event_properties", says))
    },
};

pub(super) const NESTED_TOO_DEEPLY: Limit = Limit {
    code: Code::NestedTooDeeply,
    name: "nested_too_deeply",
    policy: Policy::Reject,
    summary: "objects and arrays are nested at most 64 deep",
    source: "sluicegate: no figure is documented; common parsers stop between 64 and 128",
    limit: json::DEEPEST as u64,
    unit: Unit::Count,
    scope: Scope::Event,
    check: |s| {
        let depth = s.shape().depth;
        (depth > json::DEEPEST).then(|| {
            let says = format!(
                "the event's data is nested {} deep, {} levels are allowed",
                grouped(depth as u64),
                json::DEEPEST
            );
            breach(depth, "event_properties", says)
        })
    },
};

pub(super) const DUPLICATE: Limit = Limit {
    code: Code::Duplicate,
    name: "duplicate",
    policy: Policy::Reject,
    summary: "the event was not accepted before",
    source: "Customer.io Track API v2, id: an event with a known ULID is ignored",
    limit: 1,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        s.seen_before.then(|| {
            let event = s.reading.event();
            let path = if event.insert_id().is_some() {
                "$insert_id"
            } else if event.uuid().is_some() {
                "uuid"
            } else {
                "event_type"
            };
            breach(2, path, format!("accepted before, as {}", s.mapped.id))
        })
    },
};

pub(super) const BY_V1: Limit = Limit {
    code: Code::ByV1,
    name: "by_v1",
    policy: Policy::Warn,
    summary: "the event fits into a batch item of 32 kB; over it, it goes alone by v1",
    source: "Customer.io Track API v2, batch limits",
    limit: BATCH_ITEM_BYTES as u64,
    unit: Unit::Bytes,
    scope: Scope::Event,
    check: |s| {
        if !goes_by_v1(s) {
            return None;
        }
        let bytes = s.mapped.attributes.len();
        let says = format!(
            "{} B of data: too much for a batch, sent alone by v1",
            grouped(bytes as u64)
        );
        Some(breach(bytes, "event_properties", says))
    },
};

fn goes_by_v1(s: &Subject<'_, '_>) -> bool {
    matches!(s.route, Some(Route::V1 { .. })) && s.mapped.attributes.len() <= EVENT_DATA_BYTES
}
