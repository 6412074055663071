//! The limits of an identify: of the user properties that become a person's attributes.
//!
//! They measure the attributes that would be sent: after `exclude` and `include`, inside `$set`.
//! While no identify is sent, limits on sizes and numbers only warn.

use std::borrow::Cow;

use crate::amplitude::json::{self, Kind};
use crate::customerio::mapping::Person;
use crate::customerio::sizes::{
    ATTRIBUTE_NAME_BYTES, ATTRIBUTE_VALUE_BYTES, ATTRIBUTES, value_bytes,
};

use super::breach::Breach;
use super::subject::Subject;
use super::wording::{listed, short_name};

pub(super) fn count(subject: &Subject<'_, '_>) -> usize {
    subject.identify().attributes.len()
}

pub(super) fn too_many_attributes(subject: &Subject<'_, '_>) -> Option<Breach> {
    // An attribute takes at least 5 bytes: "":1 and a comma.
    if subject.user_properties_bytes() <= ATTRIBUTES * 5 {
        return None;
    }
    let count = count(subject);
    (count > ATTRIBUTES).then(|| {
        let verb = if subject.mapping.send_users {
            "carries"
        } else {
            "would carry"
        };
        let sentence = format!("the identify {verb} {count} attributes, {ATTRIBUTES} are allowed");
        Breach::new(count, "user_properties", sentence)
    })
}

pub(super) fn attribute_name_too_long(subject: &Subject<'_, '_>) -> Option<Breach> {
    if subject.user_properties_bytes() <= ATTRIBUTE_NAME_BYTES {
        return None;
    }
    let name = longest_name(subject)?;
    Breach::if_over(name.len(), ATTRIBUTE_NAME_BYTES, || {
        (path_of(name), omitted(subject, "the attribute's name"))
    })
}

pub(super) fn attribute_value_too_long(subject: &Subject<'_, '_>) -> Option<Breach> {
    if subject.user_properties_bytes() <= ATTRIBUTE_VALUE_BYTES {
        return None;
    }
    let (name, bytes) = longest_value(subject)?;
    Breach::if_over(bytes, ATTRIBUTE_VALUE_BYTES, || {
        (path_of(name), omitted(subject, "the value"))
    })
}

fn longest_name<'s>(subject: &'s Subject<'_, '_>) -> Option<&'s str> {
    let names = subject.identify().attributes.iter();
    names
        .map(|(name, _)| name.as_ref())
        .max_by_key(|name: &&str| name.len())
}

pub(super) fn longest_name_bytes(subject: &Subject<'_, '_>) -> Option<usize> {
    longest_name(subject).map(str::len)
}

pub(super) fn longest_value_bytes(subject: &Subject<'_, '_>) -> Option<usize> {
    longest_value(subject).map(|(_, bytes)| bytes)
}

/// The attribute with the longest value, and the value's size in bytes.
fn longest_value<'s>(subject: &'s Subject<'_, '_>) -> Option<(&'s str, usize)> {
    let all = subject.identify().attributes.iter();
    all.map(|(name, value)| (name.as_ref(), value_bytes(value)))
        .max_by_key(|(_, bytes)| *bytes)
}

/// The beginning of a sentence about a part of an attribute that is too long.
fn omitted(subject: &Subject<'_, '_>, part: &str) -> String {
    if subject.mapping.send_users {
        format!("left out of the identify: {part}")
    } else {
        format!("an identify could not carry it: {part}")
    }
}

fn path_of(attribute: &str) -> String {
    format!("user_properties.{}", short_name(attribute))
}

pub(super) fn reserved_attribute(subject: &Subject<'_, '_>) -> Option<Breach> {
    if !subject.mapping.send_users || subject.user_properties_bytes() == 0 {
        return None;
    }
    let attributes = subject.identify().attributes.iter();
    let found: Vec<(&str, &str)> = attributes
        .filter_map(|(name, value)| Some((name.as_ref(), side_effect(subject, name, value)?)))
        .collect();
    let (first, _) = found.first()?;
    let effects = found
        .iter()
        .map(|(name, effect)| format!("{name} {effect}"));
    let sentence = effects.collect::<Vec<_>>().join("; ");
    Some(Breach::new(found.len(), path_of(first), sentence))
}

/// The effect that an attribute of this name and value has beside being stored.
fn side_effect(subject: &Subject<'_, '_>, name: &str, value: &str) -> Option<&'static str> {
    Some(match name {
        "id" => "changes the ID",
        "email" if is_own_email(subject, value) => return None,
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

fn is_own_email(subject: &Subject<'_, '_>, value: &str) -> bool {
    let Some(Person::Email(own)) = &subject.mapped.person else {
        return false;
    };
    json::string(value).is_some_and(|email| email.eq_ignore_ascii_case(own))
}

/// Whether a value is a time in seconds from 1970 to the year 5138: a larger number is a time in
/// milliseconds.
fn is_unix_seconds(value: &str) -> bool {
    let text = match json::kind(value) {
        Kind::Number => Cow::Borrowed(value),
        Kind::String => json::string(value).unwrap_or_default(),
        _ => return false,
    };
    text.parse::<u64>()
        .is_ok_and(|seconds| seconds < 100_000_000_000)
}

pub(super) fn operation_unsent(subject: &Subject<'_, '_>) -> Option<Breach> {
    if !subject.mapping.send_users || subject.user_properties_bytes() == 0 {
        return None;
    }
    let unsent = &subject.identify().unsent;
    let first = unsent.first()?;
    let each = unsent.iter().map(|operation| {
        let properties = listed(operation.properties.iter().map(AsRef::as_ref));
        match properties.as_str() {
            "" => short_name(&operation.name),
            properties => format!("{} ({properties})", short_name(&operation.name)),
        }
    });
    let sentence = format!(
        "{} can't be sent: an identify only sets attributes",
        each.collect::<Vec<_>>().join(", ")
    );
    Some(Breach::new(unsent.len(), path_of(&first.name), sentence))
}
