//! The limits that an event can break, as a table: each knows its code, what it measures,
//! its sentence and its source. A new limit is one entry here and one case in the tests.
//!
//! Sizes are UTF-8 bytes of what would really be sent, never characters.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::amplitude::json;
use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Reading};
use crate::customerio::mapping::{Mapped, Mapping, Person, Route};
use crate::customerio::sizes::{
    ATTRIBUTE_NAME_BYTES, ATTRIBUTE_VALUE_BYTES, ATTRIBUTES, BATCH_ITEM_BYTES, EVENT_DATA_BYTES,
    EVENT_NAME_BYTES, ID_BYTES, value_bytes,
};

/// Events older than this trigger no campaign: Customer.io Track API v2, `timestamp`.
pub const CAMPAIGN_AGE_MS: i64 = 72 * 60 * 60 * 1_000;
/// A clock this far ahead is believed: phones are set by hand.
pub const FUTURE_MS: i64 = 5 * 60 * 1_000;

/// What a limit's name is in settings, on screen and in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each code is described by its entry in LIMITS")]
pub enum Code {
    IdMissing,
    IdInvalid,
    IdTooLong,
    TooManyAttributes,
    AttributeNameTooLong,
    AttributeValueTooLong,
    EventNameMissing,
    EventNameTooLong,
    EventNameReserved,
    EventDataTooLarge,
    ReservedProperty,
    TimeInvalid,
    TimeInFuture,
    TooOldForCampaigns,
    Duplicate,
    ByV1,
}

/// What breaking a limit does to the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The event is not forwarded.
    Reject,
    /// The event is forwarded and the violation shown.
    Warn,
    /// The limit is not checked.
    Off,
}

impl Policy {
    /// What an event that breaks the limit does, for a table: `rejects`, `warns`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Reject => "rejects",
            Self::Warn => "warns",
            Self::Off => "off",
        }
    }
}

/// What a limit is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// UTF-8 bytes.
    Bytes,
    /// A number of things.
    Count,
    /// Milliseconds.
    Ms,
    /// The limit allows or forbids; there is nothing to measure.
    None,
}

/// One limit.
pub struct Limit {
    /// Its name.
    pub code: Code,
    /// What breaking it does unless the settings say otherwise.
    pub policy: Policy,
    /// What it allows, for tables: "the person's ID is at most 150 bytes".
    pub summary: &'static str,
    /// Where the figure comes from.
    pub source: &'static str,
    /// The greatest value allowed.
    pub limit: u64,
    /// What `limit` and a breach's measure are counted in.
    pub unit: Unit,
    check: fn(&Subject<'_, '_>) -> Option<Breach>,
}

/// What is checked: the event and what would be sent of it.
#[derive(Debug)]
pub struct Subject<'s, 'e> {
    /// The event as received.
    pub reading: &'s Reading<'e>,
    /// What would be sent.
    pub mapped: &'s Mapped<'e>,
    /// The request that would carry it, where it can be sent at all.
    pub route: Option<&'s Route>,
    /// The clock.
    pub now_ms: UnixMs,
    /// Whether the same dedupe id was accepted before, within the window that is remembered.
    pub seen_before: bool,
    /// Whether an identify goes along with the event.
    pub send_users: bool,
}

/// How one event breaks one limit.
#[derive(Debug)]
struct Breach {
    measured: u64,
    path: Cow<'static, str>,
    says: String,
}

/// One limit that one event breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The limit.
    pub code: Code,
    /// What it does to the event.
    pub policy: Policy,
    /// What was measured, in the limit's unit.
    pub measured: u64,
    /// The greatest value allowed.
    pub limit: u64,
    /// What both are counted in.
    pub unit: Unit,
    /// Where in the event: `user_properties.bio`.
    pub path: Cow<'static, str>,
    /// A whole sentence for this one event.
    pub says: String,
}

impl Code {
    /// The limit that goes by this code.
    pub fn limit(self) -> &'static Limit {
        &LIMITS[self as usize]
    }

    /// Its name, as the settings write it.
    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

const NAMES: [&str; LIMITS.len()] = [
    "id_missing",
    "id_invalid",
    "id_too_long",
    "too_many_attributes",
    "attribute_name_too_long",
    "attribute_value_too_long",
    "event_name_missing",
    "event_name_too_long",
    "event_name_reserved",
    "event_data_too_large",
    "reserved_property",
    "time_invalid",
    "time_in_future",
    "too_old_for_campaigns",
    "duplicate",
    "by_v1",
];

/// The policy of each limit; the settings under `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Policies(BTreeMap<Code, Policy>);

impl Default for Policies {
    fn default() -> Self {
        Self(LIMITS.iter().map(|l| (l.code, l.policy)).collect())
    }
}

impl Policies {
    /// What breaking `code` does.
    pub fn of(&self, code: Code) -> Policy {
        self.0.get(&code).copied().unwrap_or(code.limit().policy)
    }

    /// Sets what breaking `code` does.
    pub fn set(&mut self, code: Code, policy: Policy) {
        self.0.insert(code, policy);
    }
}

/// All violations of an event, in the order of the table.
pub fn check(subject: &Subject<'_, '_>, policies: &Policies) -> Vec<Violation> {
    let mut found = Vec::new();
    for limit in &LIMITS {
        let policy = policies.of(limit.code);
        if policy == Policy::Off {
            continue;
        }
        if let Some(breach) = (limit.check)(subject) {
            found.push(Violation {
                code: limit.code,
                policy,
                measured: breach.measured,
                limit: limit.limit,
                unit: limit.unit,
                path: breach.path,
                says: breach.says,
            });
        }
    }
    found
}

/// What a limit on a size or a number measures of an event, whether the event breaks it or not;
/// nothing where the limit only allows or forbids.
pub fn measure(code: Code, subject: &Subject<'_, '_>) -> Option<u64> {
    let properties = || subject.reading.user_properties().iter();
    let measured = match code {
        Code::IdTooLong => subject.mapped.person.as_ref()?.value().len(),
        Code::TooManyAttributes => unique_names(subject.reading),
        Code::AttributeNameTooLong => properties().map(|(name, _)| name.len()).max()?,
        Code::AttributeValueTooLong => properties().map(|(_, raw)| value_bytes(raw)).max()?,
        Code::EventNameTooLong => subject.mapped.name.len(),
        Code::EventDataTooLarge | Code::ByV1 => subject.mapped.attributes.len(),
        Code::IdMissing
        | Code::IdInvalid
        | Code::EventNameMissing
        | Code::EventNameReserved
        | Code::ReservedProperty
        | Code::TimeInvalid
        | Code::TimeInFuture
        | Code::TooOldForCampaigns
        | Code::Duplicate => return None,
    };
    Some(measured as u64)
}

/// How many attributes an identify of these user properties would carry.
fn unique_names(reading: &Reading<'_>) -> usize {
    let all = reading.user_properties().iter();
    let mut names: Vec<&str> = all.map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

/// Maps and checks one event outside of a pipeline: for `lint`.
pub fn check_alone(
    event: &Event,
    mapping: &Mapping,
    policies: &Policies,
    now_ms: UnixMs,
    seen_before: bool,
) -> Vec<Violation> {
    let reading = Reading::new(event);
    let mapped = mapping.map(&reading, Vec::new());
    let item = mapped.item();
    let subject = Subject {
        reading: &reading,
        mapped: &mapped,
        route: item.as_ref().map(|i| &i.route),
        now_ms,
        seen_before,
        send_users: mapping.send_users,
    };
    check(&subject, policies)
}

/// The table, in the order of [`Code`].
pub static LIMITS: [Limit; 16] = [
    Limit {
        code: Code::IdMissing,
        policy: Policy::Reject,
        summary: "the event names a person",
        source: "Amplitude, Customer.io destination: a user ID is required",
        limit: 1,
        unit: Unit::None,
        check: |s| {
            s.mapped.person.is_none().then(|| {
                let device = s.reading.event().device_id();
                let who = device.map_or_else(
                    || "no device either".to_owned(),
                    |d| format!("device {}", shown(&d)),
                );
                breach(
                    0,
                    s.mapped.person_path.clone(),
                    format!("the event names no person ({who})"),
                )
            })
        },
    },
    Limit {
        code: Code::IdInvalid,
        policy: Policy::Reject,
        summary: "the person's ID is none of those that Amplitude refuses",
        source: "Amplitude, HTTP V2 API: invalid user and device IDs",
        limit: 1,
        unit: Unit::None,
        check: |s| {
            let value = s.mapped.person.as_ref()?.value();
            is_refused(value).then(|| {
                let says = format!("{} is no person: Amplitude refuses this ID", shown(value));
                breach(0, person_path(s), says)
            })
        },
    },
    Limit {
        code: Code::IdTooLong,
        policy: Policy::Reject,
        summary: "the person's ID is at most 150 bytes",
        source: "Customer.io Track API, customer limits; Amplitude, Customer.io destination",
        limit: ID_BYTES as u64,
        unit: Unit::Bytes,
        check: |s| {
            let value = s.mapped.person.as_ref()?.value();
            over(value.len(), ID_BYTES, || {
                (person_path(s), "the person's ID".to_owned())
            })
        },
    },
    Limit {
        code: Code::TooManyAttributes,
        policy: Policy::Reject,
        summary: "a person has at most 300 unique attributes",
        source: "Customer.io Track API, customer limits; Amplitude, Customer.io destination",
        limit: ATTRIBUTES as u64,
        unit: Unit::Count,
        check: |s| {
            if s.reading.user_properties().len() <= ATTRIBUTES {
                return None;
            }
            let unique = unique_names(s.reading);
            (unique > ATTRIBUTES).then(|| {
                let says = format!(
                    "an identify would carry {unique} attributes, {ATTRIBUTES} are allowed"
                );
                breach(unique, "user_properties", says)
            })
        },
    },
    Limit {
        code: Code::AttributeNameTooLong,
        policy: Policy::Warn,
        summary: "a user property's name is at most 150 bytes",
        source: "Customer.io Track API, customer limits",
        limit: ATTRIBUTE_NAME_BYTES as u64,
        unit: Unit::Bytes,
        check: |s| {
            let all = s.reading.user_properties().iter();
            let (name, _) = all.max_by_key(|(name, _)| name.len())?;
            over(name.len(), ATTRIBUTE_NAME_BYTES, || {
                (
                    format!("user_properties.{}", shown_key(name)),
                    "the user property's name".to_owned(),
                )
            })
        },
    },
    Limit {
        code: Code::AttributeValueTooLong,
        policy: Policy::Warn,
        summary: "a user property's value is at most 1,000 bytes, where an identify is sent",
        source: "Customer.io Track API, customer limits",
        limit: ATTRIBUTE_VALUE_BYTES as u64,
        unit: Unit::Bytes,
        check: |s| {
            let long = s
                .reading
                .user_properties()
                .iter()
                .filter(|(_, raw)| raw.len() > ATTRIBUTE_VALUE_BYTES);
            let (name, bytes) = long
                .map(|(name, raw)| (name, value_bytes(raw)))
                .max_by_key(|(_, bytes)| *bytes)?;
            over(bytes, ATTRIBUTE_VALUE_BYTES, || {
                let what = if s.send_users {
                    "left out of the identify: the value"
                } else {
                    "an identify could not carry it: the value"
                };
                (
                    format!("user_properties.{}", shown_key(name)),
                    what.to_owned(),
                )
            })
        },
    },
    Limit {
        code: Code::EventNameMissing,
        policy: Policy::Reject,
        summary: "the event has a name",
        source: "Customer.io Track API, event: name is required",
        limit: 1,
        unit: Unit::None,
        check: |s| {
            s.mapped.name.is_empty().then(|| {
                breach(
                    0,
                    "event_type",
                    "the event has no name, or one of spaces only".to_owned(),
                )
            })
        },
    },
    Limit {
        code: Code::EventNameTooLong,
        policy: Policy::Reject,
        summary: "the event's name is at most 100 bytes",
        source: "Customer.io Track API, event limits",
        limit: EVENT_NAME_BYTES as u64,
        unit: Unit::Bytes,
        check: |s| {
            over(s.mapped.name.len(), EVENT_NAME_BYTES, || {
                ("event_type".to_owned(), "the event's name".to_owned())
            })
        },
    },
    Limit {
        code: Code::EventNameReserved,
        policy: Policy::Reject,
        summary: "the event's name is not one that Amplitude reserves",
        source: "Amplitude, event streaming: _all and _identify can't be streamed",
        limit: 1,
        unit: Unit::None,
        check: |s| {
            let name = s.mapped.name.as_ref();
            matches!(name, "_all" | "_identify")
                .then(|| breach(0, "event_type", format!("{name} is reserved by Amplitude")))
        },
    },
    Limit {
        code: Code::EventDataTooLarge,
        policy: Policy::Reject,
        summary: "the event's data is at most 100,000 bytes",
        source: "Customer.io Track API v1, event limits; Amplitude, Customer.io destination",
        limit: EVENT_DATA_BYTES as u64,
        unit: Unit::Bytes,
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
    },
    Limit {
        code: Code::ReservedProperty,
        policy: Policy::Warn,
        summary: "from_address, recipient and reply_to are not among the event's data",
        source: "Customer.io Track API, event: they override a campaign's own settings",
        limit: 0,
        unit: Unit::None,
        check: |s| {
            let reserved = |name: &&str| matches!(*name, "from_address" | "recipient" | "reply_to");
            let text = std::str::from_utf8(&s.mapped.attributes).ok()?;
            // A reserved word can only be a key where its letters stand: most events have none.
            if !["from_address", "recipient", "reply_to"]
                .iter()
                .any(|word| text.contains(word))
            {
                return None;
            }
            let keys = json::entries(text)?;
            let mut found = keys.iter().map(|(name, _)| name.as_ref()).filter(reserved);
            found.next().map(|name| {
                let says = format!(
                    "{name} overrides the campaign's own settings: mail can go to the wrong person"
                );
                breach(1, format!("event_properties.{name}"), says)
            })
        },
    },
    Limit {
        code: Code::TimeInvalid,
        policy: Policy::Reject,
        summary: "the event says when it happened",
        source: "Amplitude, Export and HTTP V2 APIs: event_time, time",
        limit: 1,
        unit: Unit::None,
        check: |s| {
            let error = s.mapped.time.as_ref().err()?;
            Some(breach(0, "event_time", error.to_string()))
        },
    },
    Limit {
        code: Code::TimeInFuture,
        policy: Policy::Warn,
        summary: "the event is not more than 5 minutes ahead of this machine's clock",
        source: "sluicegate: a device's clock is wrong, or a time zone was added twice",
        limit: FUTURE_MS.unsigned_abs(),
        unit: Unit::Ms,
        check: |s| {
            let ahead = s.mapped.time.as_ref().ok()? - s.now_ms;
            (ahead > FUTURE_MS).then(|| {
                let says = format!("the event happens in {}", span(ahead));
                breach(ahead.unsigned_abs() as usize, "event_time", says)
            })
        },
    },
    Limit {
        code: Code::TooOldForCampaigns,
        policy: Policy::Warn,
        summary: "the event is at most 72 hours old, to trigger campaigns",
        source: "Customer.io Track API v2, timestamp",
        limit: CAMPAIGN_AGE_MS.unsigned_abs(),
        unit: Unit::Ms,
        check: |s| {
            let age = s.now_ms - s.mapped.time.as_ref().ok()?;
            (age > CAMPAIGN_AGE_MS).then(|| {
                let says = format!("the event is {} old: it can trigger no campaign", span(age));
                breach(age.unsigned_abs() as usize, "event_time", says)
            })
        },
    },
    Limit {
        code: Code::Duplicate,
        policy: Policy::Reject,
        summary: "the event was not accepted before",
        source: "Customer.io Track API v2, id: an event with a known ULID is ignored",
        limit: 1,
        unit: Unit::None,
        check: |s| {
            s.seen_before.then(|| {
                let event = s.reading.event();
                let path = if event.uuid().is_some() {
                    "uuid"
                } else if event.insert_id().is_some() {
                    "$insert_id"
                } else {
                    "event_type"
                };
                breach(2, path, format!("accepted before, as {}", s.mapped.id))
            })
        },
    },
    Limit {
        code: Code::ByV1,
        policy: Policy::Warn,
        summary: "the event fits into a batch item of 32 kB; over it, it goes alone by v1",
        source: "Customer.io Track API v2, batch limits",
        limit: BATCH_ITEM_BYTES as u64,
        unit: Unit::Bytes,
        check: |s| {
            let by_v1 = matches!(s.route?, Route::V1 { .. })
                && s.mapped.attributes.len() <= EVENT_DATA_BYTES;
            by_v1.then(|| {
                let bytes = s.mapped.attributes.len();
                let says = format!(
                    "{} B of data: too much for a batch, sent alone by v1",
                    grouped(bytes as u64)
                );
                breach(bytes, "event_properties", says)
            })
        },
    },
];

fn breach(measured: usize, path: impl Into<Cow<'static, str>>, says: String) -> Breach {
    Breach {
        measured: measured as u64,
        path: path.into(),
        says,
    }
}

/// A breach where `measured` bytes are over `limit`; `what` tells the path and the thing measured.
fn over(measured: usize, limit: usize, what: impl FnOnce() -> (String, String)) -> Option<Breach> {
    (measured > limit).then(|| {
        let (path, thing) = what();
        let says = format!(
            "{thing} is {} B, {} B are allowed",
            grouped(measured as u64),
            grouped(limit as u64)
        );
        breach(measured, path, says)
    })
}

fn person_path(s: &Subject<'_, '_>) -> String {
    match s.mapped.person {
        Some(Person::Anonymous(_)) => "device_id".to_owned(),
        _ => s.mapped.person_path.clone(),
    }
}

/// Amplitude's refused IDs, and two that no path of Customer.io's v1 can name.
fn is_refused(id: &str) -> bool {
    const REFUSED: [&str; 16] = [
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "{}",
        "lmy47d",
        "0",
        "-1",
        "",
        "00000000-0000-0000-0000-000000000000",
        ".",
        "..",
    ];
    REFUSED
        .iter()
        .any(|refused| id.trim().eq_ignore_ascii_case(refused))
}

/// A value for a sentence: quoted, short, and without anything that a terminal obeys.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{more}")
}

fn shown_key(key: &str) -> String {
    let short: String = key.chars().take(60).collect();
    if short.len() < key.len() {
        format!("{short}…")
    } else {
        short
    }
}

/// A number with its thousands apart: 131,204.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A length of time in its largest unit: `3.1 d`, `5 min`.
pub fn span(ms: i64) -> String {
    let s = ms.abs() as f64 / 1_000.0;
    match s {
        s if s < 1.0 => format!("{} ms", ms.abs()),
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3_600.0 => format!("{:.0} min", s / 60.0),
        s if s < 86_400.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::event;

    const NOW: UnixMs = 1_800_000_000_000;

    fn broken(text: &str) -> Vec<Violation> {
        check_alone(
            &event(text),
            &Mapping::default(),
            &Policies::default(),
            NOW,
            false,
        )
    }

    /// An event at `NOW` by `user`, with more fields.
    fn by(user: &str, more: &str) -> String {
        format!(r#"{{"event_type":"Signup","user_id":"{user}","time":{NOW},"uuid":"u"{more}}}"#)
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table: one entry a limit")]
    fn each_limit_is_broken_by_one_case_and_kept_by_its_neighbour() {
        let many = |n: usize| {
            (0..n)
                .map(|i| format!(r#""p{i}":1"#))
                .collect::<Vec<_>>()
                .join(",")
        };
        let users = |inner: &str| by("u-1", &format!(r#","user_properties":{{{inner}}}"#));
        let events = |inner: &str| by("u-1", &format!(r#","event_properties":{{{inner}}}"#));
        let named =
            |name: &str| format!(r#"{{"event_type":"{name}","user_id":"u-1","time":{NOW}}}"#);
        let timed = |time: i64| format!(r#"{{"event_type":"a","user_id":"u-1","time":{time}}}"#);
        // {"k":"…"} is 8 bytes around its value.
        let data = |n: usize| events(&format!(r#""k":"{}""#, "x".repeat(n - 8)));
        // code, breaks, measured, path, keeps
        let table = [
            (
                Code::IdMissing,
                format!(
                    r#"{{"event_type":"a","device_id":"d-12345","user_id":null,"time":{NOW}}}"#
                ),
                0,
                "user_id",
                by("u-1", ""),
            ),
            (
                Code::IdInvalid,
                by("None", ""),
                0,
                "user_id",
                by("Nonesuch", ""),
            ),
            (
                Code::IdInvalid,
                by("00000000-0000-0000-0000-000000000000", ""),
                0,
                "user_id",
                by("10000000-0000-0000-0000-000000000000", ""),
            ),
            // Bytes, not characters: 51 of three bytes each are 153, 50 are 150.
            (
                Code::IdTooLong,
                by(&"日".repeat(51), ""),
                153,
                "user_id",
                by(&"日".repeat(50), ""),
            ),
            (
                Code::TooManyAttributes,
                users(&many(301)),
                301,
                "user_properties",
                users(&many(300)),
            ),
            (
                Code::AttributeNameTooLong,
                users(&format!(r#""{}":1"#, "n".repeat(151))),
                151,
                "user_properties.nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…",
                users(&format!(r#""{}":1"#, "n".repeat(150))),
            ),
            (
                Code::AttributeValueTooLong,
                users(&format!(r#""bio":"{}""#, "v".repeat(1001))),
                1001,
                "user_properties.bio",
                users(&format!(r#""bio":"{}""#, "v".repeat(1000))),
            ),
            (
                Code::EventNameMissing,
                named("   "),
                0,
                "event_type",
                named(" a "),
            ),
            (
                Code::EventNameTooLong,
                named(&"é".repeat(51)),
                102,
                "event_type",
                named(&"é".repeat(50)),
            ),
            (
                Code::EventNameReserved,
                named("_all"),
                0,
                "event_type",
                named("all"),
            ),
            (
                Code::EventDataTooLarge,
                data(100_001),
                100_001,
                "event_properties.k",
                data(100_000),
            ),
            (
                Code::ReservedProperty,
                events(r#""recipient":"a@b.c""#),
                1,
                "event_properties.recipient",
                events(r#""a":{"recipient":1}"#),
            ),
            (
                Code::TimeInvalid,
                named("a").replace("1800000000000", "\"soon\""),
                0,
                "event_time",
                named("a"),
            ),
            (
                Code::TimeInFuture,
                timed(NOW + 300_001),
                300_001,
                "event_time",
                timed(NOW + 300_000),
            ),
            (
                Code::TooOldForCampaigns,
                timed(NOW - CAMPAIGN_AGE_MS - 1),
                259_200_001,
                "event_time",
                timed(NOW - CAMPAIGN_AGE_MS),
            ),
            (
                Code::ByV1,
                data(32_000),
                32_000,
                "event_properties",
                data(31_000),
            ),
        ];
        for (code, breaks, measured, path, keeps) in table {
            let found = broken(&breaks);
            let violation = found.iter().find(|v| v.code == code);
            let violation = violation.unwrap_or_else(|| panic!("{code} is not among {found:?}"));
            assert_eq!(
                (violation.measured, violation.path.as_ref()),
                (measured, path),
                "{code}"
            );
            assert!(!violation.says.is_empty());
            assert!(
                broken(&keeps).iter().all(|v| v.code != code),
                "{code} is broken by its neighbour"
            );
        }
        let twice = check_alone(
            &event(&by("u-1", "")),
            &Mapping::default(),
            &Policies::default(),
            NOW,
            true,
        );
        assert_eq!(
            (twice[0].code, twice[0].path.as_ref()),
            (Code::Duplicate, "uuid")
        );
    }

    #[test]
    fn the_table_is_in_the_order_of_its_codes_and_names_them_as_the_settings_do() {
        for (index, limit) in LIMITS.iter().enumerate() {
            assert_eq!(limit.code as usize, index);
            assert_eq!(serde_json::to_value(limit.code).unwrap(), limit.code.name());
            assert!(!limit.source.is_empty() && !limit.summary.is_empty());
        }
    }

    #[test]
    fn a_limit_that_is_off_is_not_checked() {
        let mut policies = Policies::default();
        policies.set(Code::IdInvalid, Policy::Off);
        let found = check_alone(
            &event(&by("null", "")),
            &Mapping::default(),
            &policies,
            NOW,
            false,
        );
        assert_eq!(found, []);
    }

    #[test]
    fn numbers_and_spans_read_well() {
        assert_eq!(grouped(131_204), "131,204");
        assert_eq!(grouped(7), "7");
        assert_eq!(span(259_200_000), "3.0 d");
        assert_eq!(span(84), "84 ms");
    }
}
