//! The table of all limits.

use serde::{Deserialize, Serialize};

use crate::amplitude::json;
use crate::customerio::sizes::{
    ATTRIBUTE_NAME_BYTES, ATTRIBUTE_VALUE_BYTES, ATTRIBUTES, BATCH_ITEM_BYTES, EVENT_DATA_BYTES,
    EVENT_NAME_BYTES, ID_BYTES,
};

use super::breach::Breach;
use super::policy::{Policy, Scope};
use super::subject::Subject;
use super::time::{CAMPAIGN_AGE_MS, FUTURE_MS};
use super::{attributes, event, person, time};

/// One limit.
pub struct Limit {
    /// The code that names it in the program.
    pub code: Code,
    /// The name in settings, on screen and in reports.
    pub name: &'static str,
    /// The rule that every event should keep, as a phrase.
    pub summary: &'static str,
    /// The document that the rule comes from, or `sluicegate` and a reason.
    pub source: &'static str,
    /// The policy unless the settings say otherwise.
    pub policy: Policy,
    /// The part of the request that it is about.
    pub scope: Scope,
    /// The greatest value allowed.
    pub limit: u64,
    /// The unit of `limit`, and of measured values.
    pub unit: Unit,
    /// Measures an event that keeps the limit, too. None for a limit without a size or a number.
    pub(super) measure: Option<fn(&Subject<'_, '_>) -> Option<usize>>,
    /// Checks an event.
    pub(super) check: fn(&Subject<'_, '_>) -> Option<Breach>,
}

/// The unit in which a limit is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// UTF-8 bytes.
    Bytes,
    /// A number of things.
    Count,
    /// Milliseconds.
    Ms,
    /// The limit allows or forbids; nothing is measured.
    None,
}

impl Code {
    /// The entry of the table.
    pub fn limit(self) -> &'static Limit {
        &LIMITS[self as usize]
    }

    /// The name in settings, on screen and in reports.
    pub fn name(self) -> &'static str {
        self.limit().name
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Makes [`Code`] and [`LIMITS`] of the same entries, so that neither can miss one.
macro_rules! limits {
    ($($code:ident {
        name: $name:literal,
        summary: $summary:literal,
        $($field:ident: $value:expr,)*
    })*) => {
        /// A limit's code.
        #[allow(clippy::doc_markdown, reason = "a summary is plain text, for screens and reports")]
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[expect(missing_docs, reason = "each code is described by its entry")]
        pub enum Code {
            $(
                #[serde(rename = $name)]
                $code,
            )*
        }

        /// All limits, in the order of [`Code`].
        pub static LIMITS: &[Limit] = &[$(
            Limit {
                code: Code::$code,
                name: $name,
                summary: $summary,
                $($field: $value,)*
            },
        )*];
    };
}

limits! {
    IdMissing {
        name: "id_missing",
        summary: "the event names a person",
        source: "Amplitude, Customer.io destination: a user ID is required",
        policy: Policy::Reject,
        scope: Scope::Required,
        limit: 1,
        unit: Unit::None,
        measure: None,
        check: person::id_missing,
    }
    IdInvalid {
        name: "id_invalid",
        summary: "the person's ID is none that Amplitude refuses, such as null, undefined or 0",
        source: "Amplitude, HTTP V2 API: invalid user and device IDs",
        policy: Policy::Reject,
        scope: Scope::Event,
        limit: 1,
        unit: Unit::None,
        measure: None,
        check: person::id_invalid,
    }
    IdTooLong {
        name: "id_too_long",
        summary: "the person's ID is at most 150 bytes",
        source: "Customer.io Track API, customer limits; Amplitude, Customer.io destination",
        policy: Policy::Reject,
        scope: Scope::Event,
        limit: ID_BYTES as u64,
        unit: Unit::Bytes,
        measure: Some(person::id_bytes),
        check: person::id_too_long,
    }
    TooManyAttributes {
        name: "too_many_attributes",
        summary: "an identify carries at most 300 attributes",
        source: "Customer.io Track API, customer limits; Amplitude, Customer.io destination",
        policy: Policy::Reject,
        scope: Scope::Identify,
        limit: ATTRIBUTES as u64,
        unit: Unit::Count,
        measure: Some(|subject| Some(attributes::count(subject))),
        check: attributes::too_many_attributes,
    }
    AttributeNameTooLong {
        name: "attribute_name_too_long",
        summary: "an attribute's name is at most 150 bytes; otherwise the identify omits it",
        source: "Customer.io Track API, customer limits",
        policy: Policy::Warn,
        scope: Scope::Identify,
        limit: ATTRIBUTE_NAME_BYTES as u64,
        unit: Unit::Bytes,
        measure: Some(attributes::longest_name_bytes),
        check: attributes::attribute_name_too_long,
    }
    AttributeValueTooLong {
        name: "attribute_value_too_long",
        summary: "an attribute's value is at most 1,000 bytes; otherwise the identify omits it",
        source: "Customer.io Track API, customer limits",
        policy: Policy::Warn,
        scope: Scope::Identify,
        limit: ATTRIBUTE_VALUE_BYTES as u64,
        unit: Unit::Bytes,
        measure: Some(attributes::longest_value_bytes),
        check: attributes::attribute_value_too_long,
    }
    EventNameMissing {
        name: "event_name_missing",
        summary: "the event has a name",
        source: "Customer.io Track API, event: name is required",
        policy: Policy::Reject,
        scope: Scope::Event,
        limit: 1,
        unit: Unit::None,
        measure: None,
        check: event::event_name_missing,
    }
    EventNameTooLong {
        name: "event_name_too_long",
        summary: "the event's name is at most 100 bytes",
        source: "Customer.io Track API, event limits",
        policy: Policy::Reject,
        scope: Scope::Event,
        limit: EVENT_NAME_BYTES as u64,
        unit: Unit::Bytes,
        measure: Some(|subject| Some(event::name_bytes(subject))),
        check: event::event_name_too_long,
    }
    EventNameReserved {
        name: "event_name_reserved",
        summary: "the event's name is neither _all nor _identify",
        source: "Amplitude, event streaming: _all and _identify can't be streamed",
        policy: Policy::Reject,
        scope: Scope::Event,
        limit: 1,
        unit: Unit::None,
        measure: None,
        check: event::event_name_reserved,
    }
    EventDataTooLarge {
        name: "event_data_too_large",
        summary: "the event's data is at most 100,000 bytes",
        source: "Customer.io Track API v1, event limits; Amplitude, Customer.io destination",
        policy: Policy::Reject,
        scope: Scope::Event,
        limit: EVENT_DATA_BYTES as u64,
        unit: Unit::Bytes,
        measure: Some(|subject| Some(event::data_bytes(subject))),
        check: event::event_data_too_large,
    }
    ReservedProperty {
        name: "reserved_property",
        summary: "the event's data has no from_address, recipient or reply_to",
        source: "Customer.io Track API, event: they override a campaign's own settings",
        policy: Policy::Warn,
        scope: Scope::Event,
        limit: 0,
        unit: Unit::None,
        measure: None,
        check: event::reserved_property,
    }
    TimeInvalid {
        name: "time_invalid",
        summary: "the event's time can be read",
        source: "Amplitude, Export and HTTP V2 APIs: event_time, time",
        policy: Policy::Reject,
        scope: Scope::Required,
        limit: 1,
        unit: Unit::None,
        measure: None,
        check: time::time_invalid,
    }
    TimeInFuture {
        name: "time_in_future",
        summary: "the event is at most 5 minutes ahead of this machine's clock",
        source: "sluicegate: the device's clock is wrong, or a time zone was added twice",
        policy: Policy::Warn,
        scope: Scope::Event,
        limit: FUTURE_MS.unsigned_abs(),
        unit: Unit::Ms,
        measure: None,
        check: time::time_in_future,
    }
    TooOldForCampaigns {
        name: "too_old_for_campaigns",
        summary: "the event is at most 72 hours old, so that it can trigger campaigns",
        source: "Customer.io Track API v2, timestamp",
        policy: Policy::Warn,
        scope: Scope::Event,
        limit: CAMPAIGN_AGE_MS.unsigned_abs(),
        unit: Unit::Ms,
        measure: None,
        check: time::too_old_for_campaigns,
    }
    Duplicate {
        name: "duplicate",
        summary: "the event was not accepted before",
        source: "Customer.io Track API v2, id: an event with a known ULID is ignored",
        policy: Policy::Reject,
        scope: Scope::Event,
        limit: 1,
        unit: Unit::None,
        measure: None,
        check: event::duplicate,
    }
    ByV1 {
        name: "by_v1",
        summary: "the event fits into a batch item of 32 kB; otherwise it is sent alone by v1",
        source: "Customer.io Track API v2, batch limits",
        policy: Policy::Warn,
        scope: Scope::Event,
        limit: BATCH_ITEM_BYTES as u64,
        unit: Unit::Bytes,
        measure: Some(|subject| Some(event::data_bytes(subject))),
        check: event::by_v1,
    }
    TimeMissing {
        name: "time_missing",
        summary: "the event has a time; otherwise the time of receipt is sent",
        source: "Amplitude, HTTP V2 API, time; Customer.io Track API v2, timestamp",
        policy: Policy::Warn,
        scope: Scope::Event,
        limit: 1,
        unit: Unit::None,
        measure: None,
        check: time::time_missing,
    }
    TimeOutOfRange {
        name: "time_out_of_range",
        summary: "the event's time is after 1970 and before the year 5138",
        source: "Customer.io Track API, timestamp: any other time is taken as now",
        policy: Policy::Reject,
        scope: Scope::Event,
        limit: 1,
        unit: Unit::None,
        measure: None,
        check: time::time_out_of_range,
    }
    IdAmbiguousByV1 {
        name: "id_ambiguous_by_v1",
        summary: "an ID sent by v1 looks like neither an email address nor a cio_id",
        source: "Customer.io Track API v1, customers: the shape of an identifier decides its kind",
        policy: Policy::Warn,
        scope: Scope::Event,
        limit: 1,
        unit: Unit::None,
        measure: None,
        check: person::id_ambiguous_by_v1,
    }
    ReservedAttribute {
        name: "reserved_attribute",
        summary: "no attribute of the identify has a special meaning for Customer.io",
        source: "Customer.io Track API, identify: id, email, cio_id, anonymous_id, created_at, \
                 unsubscribed, _update",
        policy: Policy::Warn,
        scope: Scope::Identify,
        limit: 0,
        unit: Unit::None,
        measure: None,
        check: attributes::reserved_attribute,
    }
    OperationUnsent {
        name: "operation_unsent",
        summary: "user properties are only set: an identify has no other operation",
        source: "Amplitude, Identify API: $unset, $setOnce, $add, $append, $clearAll and others",
        policy: Policy::Warn,
        scope: Scope::Identify,
        limit: 0,
        unit: Unit::None,
        measure: None,
        check: attributes::operation_unsent,
    }
    JsonAsText {
        name: "json_as_text",
        summary: "no property is JSON written as text",
        source: "sluicegate: Customer.io can look into an object or an array, not into text",
        policy: Policy::Warn,
        scope: Scope::Event,
        limit: 0,
        unit: Unit::None,
        measure: None,
        check: event::json_as_text,
    }
    RevenueUnsent {
        name: "revenue_unsent",
        summary: "no revenue field is left out beside the event's properties",
        source: "Amplitude, HTTP V2 API: price, quantity, revenue, productId, revenueType",
        policy: Policy::Warn,
        scope: Scope::Event,
        limit: 0,
        unit: Unit::None,
        measure: None,
        check: event::revenue_unsent,
    }
    NumberOutOfRange {
        name: "number_out_of_range",
        summary: "every number fits into a 64-bit float",
        source: "RFC 8259, numbers: a parser that can't hold one refuses the whole request",
        policy: Policy::Reject,
        scope: Scope::Event,
        limit: 0,
        unit: Unit::None,
        measure: None,
        check: event::number_out_of_range,
    }
    NestedTooDeeply {
        name: "nested_too_deeply",
        summary: "objects and arrays are nested at most 64 deep",
        source: "sluicegate: no figure is documented; common parsers stop between 64 and 128",
        policy: Policy::Reject,
        scope: Scope::Event,
        limit: json::MAX_DEPTH as u64,
        unit: Unit::Count,
        measure: Some(|subject| Some(event::depth(subject))),
        check: event::nested_too_deeply,
    }
}
