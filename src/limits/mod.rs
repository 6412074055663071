//! The limits that an event can break, as a table: each knows its code, what it measures,
//! its sentence and its source. A new limit is one entry in the file of its subject, one line
//! in the table, and one case in the tests.
//!
//! Sizes are UTF-8 bytes of what would really be sent, never characters.

mod attributes;
mod event;
mod person;
mod shape;
mod subject;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod wording;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Reading};
use crate::customerio::mapping::Mapping;

pub use subject::Subject;
pub use table::LIMITS;
pub use time::CAMPAIGN_AGE_MS;

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
    TimeMissing,
    TimeOutOfRange,
    IdAmbiguousByV1,
    ReservedAttribute,
    OperationUnsent,
    JsonAsText,
    RevenueUnsent,
    NumberOutOfRange,
    NestedTooDeeply,
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

/// What a limit is about, which bounds what breaking it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The event.
    Event,
    /// What every request needs: an event that breaks it can't be sent, so it always rejects.
    Unsendable,
    /// The identify: where none is sent, it warns and never rejects.
    Identify,
}

/// One limit.
pub struct Limit {
    /// Its name.
    pub code: Code,
    /// Its name, as the settings write it.
    pub name: &'static str,
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
    /// What it is about.
    pub scope: Scope,
    check: fn(&Subject<'_, '_>) -> Option<Breach>,
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
        self.limit().name
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

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

    /// The limits whose policy can't be kept: what breaks them can't be sent, whatever is set.
    pub fn impossible(&self) -> impl Iterator<Item = &'static Limit> {
        let unsendable = LIMITS.iter().filter(|l| l.scope == Scope::Unsendable);
        unsendable.filter(|limit| self.of(limit.code) != Policy::Reject)
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
        let policy = match (policies.of(limit.code), limit.scope) {
            (_, Scope::Unsendable) => Policy::Reject,
            (Policy::Off, _) => continue,
            (Policy::Reject, Scope::Identify) if !subject.mapping.send_users => Policy::Warn,
            (policy, _) => policy,
        };
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
    let attributes = || subject.identify().attributes.iter();
    let measured = match code {
        Code::IdTooLong => subject.mapped.person.as_ref()?.value().len(),
        Code::TooManyAttributes => attributes().count(),
        Code::AttributeNameTooLong => attributes().map(|(name, _)| name.len()).max()?,
        Code::AttributeValueTooLong => attributes::longest_value(subject)?.1,
        Code::EventNameTooLong => subject.mapped.name.len(),
        Code::EventDataTooLarge | Code::ByV1 => subject.mapped.attributes.len(),
        Code::NestedTooDeeply => subject.shape().depth,
        Code::IdMissing
        | Code::IdInvalid
        | Code::IdAmbiguousByV1
        | Code::ReservedAttribute
        | Code::OperationUnsent
        | Code::EventNameMissing
        | Code::EventNameReserved
        | Code::ReservedProperty
        | Code::JsonAsText
        | Code::RevenueUnsent
        | Code::NumberOutOfRange
        | Code::TimeMissing
        | Code::TimeInvalid
        | Code::TimeOutOfRange
        | Code::TimeInFuture
        | Code::TooOldForCampaigns
        | Code::Duplicate => return None,
    };
    Some(measured as u64)
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
    let mut subject = Subject::new(&reading, &mapped, mapping, now_ms);
    subject.route = item.as_ref().map(|i| &i.route);
    subject.seen_before = seen_before;
    check(&subject, policies)
}
