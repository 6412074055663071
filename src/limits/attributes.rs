//! The limits of an identify: of the user properties that become a person's attributes.
//!
//! They measure what would be sent: after `exclude` and `include`, inside `$set`. Where no
//! identify is sent, those on sizes and numbers warn at the most.

use std::borrow::Cow;

use crate::amplitude::json::{self, Kind};
use crate::customerio::mapping::Person;
use crate::customerio::sizes::{
    ATTRIBUTE_NAME_BYTES, ATTRIBUTE_VALUE_BYTES, ATTRIBUTES, value_bytes,
};

use super::wording::{breach, listed, over, shown_key};
use super::{Code, Limit, Policy, Scope, Subject, Unit};

pub(super) const TOO_MANY_ATTRIBUTES: Limit = Limit {
    code: Code::TooManyAttributes,
    name: "too_many_attributes",
    policy: Policy::Reject,
    summary: "an identify carries at most 300 attributes",
    source: "Customer.io Track API, customer limits; Amplitude, Customer.io destination",
    limit: ATTRIBUTES as u64,
    unit: Unit::Count,
    scope: Scope::Identify,
    check: |s| {
        // An attribute takes 5 bytes at least: "":1 and a comma.
        if s.user_properties_bytes() <= ATTRIBUTES * 5 {
            return None;
        }
        let count = s.identify().attributes.len();
        (count > ATTRIBUTES).then(|| {
            let verb = if s.mapping.send_users {
                "carries"
            } else {
                "would carry"
            };
            let says = format!("the identify {verb} {count} attributes, {ATTRIBUTES} are allowed");
            breach(count, "user_properties", says)
        })
    },
};

pub(super) const ATTRIBUTE_NAME_TOO_LONG: Limit = Limit {
    code: Code::AttributeNameTooLong,
    name: "attribute_name_too_long",
    policy: Policy::Warn,
    summary: "an attribute's name is at most 150 bytes; else an identify leaves it out",
    source: "Customer.io Track API, customer limits",
    limit: ATTRIBUTE_NAME_BYTES as u64,
    unit: Unit::Bytes,
    scope: Scope::Identify,
    check: |s| {
        if s.user_properties_bytes() <= ATTRIBUTE_NAME_BYTES {
            return None;
        }
        let all = s.identify().attributes.iter();
        let (name, _) = all.max_by_key(|(name, _)| name.len())?;
        over(name.len(), ATTRIBUTE_NAME_BYTES, || {
            (path_of(name), left_out(s, "the attribute's name"))
        })
    },
};

pub(super) const ATTRIBUTE_VALUE_TOO_LONG: Limit = Limit {
    code: Code::AttributeValueTooLong,
    name: "attribute_value_too_long",
    policy: Policy::Warn,
    summary: "an attribute's value is at most 1,000 bytes; else an identify leaves it out",
    source: "Customer.io Track API, customer limits",
    limit: ATTRIBUTE_VALUE_BYTES as u64,
    unit: Unit::Bytes,
    scope: Scope::Identify,
    check: |s| {
        if s.user_properties_bytes() <= ATTRIBUTE_VALUE_BYTES {
            return None;
        }
        let (name, bytes) = longest_value(s)?;
        over(bytes, ATTRIBUTE_VALUE_BYTES, || {
            (path_of(name), left_out(s, "the value"))
        })
    },
};

/// The attribute with the longest value, and how long that is.
pub(super) fn longest_value<'s>(s: &'s Subject<'_, '_>) -> Option<(&'s str, usize)> {
    let all = s.identify().attributes.iter();
    all.map(|(name, value)| (name.as_ref(), value_bytes(value)))
        .max_by_key(|(_, bytes)| *bytes)
}

fn left_out(s: &Subject<'_, '_>, what: &str) -> String {
    if s.mapping.send_users {
        format!("left out of the identify: {what}")
    } else {
        format!("an identify could not carry it: {what}")
    }
}

fn path_of(attribute: &str) -> String {
    format!("user_properties.{}", shown_key(attribute))
}

pub(super) const RESERVED_ATTRIBUTE: Limit = Limit {
    code: Code::ReservedAttribute,
    name: "reserved_attribute",
    policy: Policy::Warn,
    summary: "an identify has no attribute with a meaning of its own for Customer.io",
    source: "Customer.io Track API, identify: id, email, cio_id, anonymous_id, created_at, \
             unsubscribed, _update",
    limit: 0,
    unit: Unit::None,
    scope: Scope::Identify,
    check: |s| {
        if !s.mapping.send_users || s.user_properties_bytes() == 0 {
            return None;
        }
        let attributes = s.identify().attributes.iter();
        let found: Vec<(&str, &str)> = attributes
            .filter_map(|(name, value)| Some((name.as_ref(), side_effect(s, name, value)?)))
            .collect();
        let (first, _) = found.first()?;
        let effects = found
            .iter()
            .map(|(name, effect)| format!("{name} {effect}"));
        let says = effects.collect::<Vec<_>>().join("; ");
        Some(breach(found.len(), path_of(first), says))
    },
};

/// What an attribute of this name and value does beside being kept.
fn side_effect(s: &Subject<'_, '_>, name: &str, value: &str) -> Option<&'static str> {
    Some(match name {
        "id" => "changes the ID",
        "email" if is_own_email(s, value) => return None,
        "email" => "changes the address",
        "cio_id" => "can't be set",
        "anonymous_id" => "joins a device's events",
        "created_at" if !is_unix_seconds(value) => "is not in Unix seconds",
        "unsubscribed" => "stops or starts messages",
        "_update" => "keeps people from being created",
        "_timestamp" => "is the time of the update by v1",
        "cio_subscription_preferences" => "changes subscriptions",
        _ => return None,
    })
}

fn is_own_email(s: &Subject<'_, '_>, value: &str) -> bool {
    let Some(Person::Email(own)) = &s.mapped.person else {
        return false;
    };
    json::string(value).is_some_and(|email| email.eq_ignore_ascii_case(own))
}

/// Whether a value is a number of seconds from 1970 on, and not of milliseconds.
fn is_unix_seconds(value: &str) -> bool {
    let text = match json::kind(value) {
        Kind::Number => Cow::Borrowed(value),
        Kind::String => json::string(value).unwrap_or_default(),
        _ => return false,
    };
    text.parse::<u64>()
        .is_ok_and(|seconds| seconds < 100_000_000_000)
}

pub(super) const OPERATION_UNSENT: Limit = Limit {
    code: Code::OperationUnsent,
    name: "operation_unsent",
    policy: Policy::Warn,
    summary: "an update of a person only sets properties; Customer.io has no other operation",
    source: "Amplitude, Identify API: $unset, $setOnce, $add, $append, $clearAll and others",
    limit: 0,
    unit: Unit::None,
    scope: Scope::Identify,
    check: |s| {
        if !s.mapping.send_users || s.user_properties_bytes() == 0 {
            return None;
        }
        let unsent = &s.identify().unsent;
        let first = unsent.first()?;
        let each = unsent.iter().map(|operation| {
            let about = listed(operation.properties.iter().map(AsRef::as_ref));
            match about.as_str() {
                "" => shown_key(&operation.name),
                about => format!("{} ({about})", shown_key(&operation.name)),
            }
        });
        let says = format!(
            "{} can't be sent: an identify only sets attributes, so this stays behind",
            each.collect::<Vec<_>>().join(", ")
        );
        Some(breach(unsent.len(), path_of(&first.name), says))
    },
};
