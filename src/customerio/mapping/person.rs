//! The person of an event, as Customer.io identifies people.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::amplitude::event::trimmed;
use crate::amplitude::{Reading, json};

use super::settings::{Anonymous, Mapping};

/// The prefix by which v1 and `recognize` identify a Customer.io ID.
const CIO_PREFIX: &str = "cio_";

/// The person of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person<'e> {
    /// `id`.
    Id(Cow<'e, str>),
    /// `email`.
    Email(Cow<'e, str>),
    /// `cio_id`, without its `cio_`.
    CioId(Cow<'e, str>),
    /// `anonymous_id`.
    Anonymous(Cow<'e, str>),
}

impl Person<'_> {
    /// The identifier's value.
    pub fn value(&self) -> &str {
        match self {
            Self::Id(v) | Self::Email(v) | Self::CioId(v) | Self::Anonymous(v) => v,
        }
    }

    /// The identifier's name at Customer.io.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::Email(_) => "email",
            Self::CioId(_) => "cio_id",
            Self::Anonymous(_) => "anonymous_id",
        }
    }

    /// The kind that v1 takes this person's ID for, if it is another one: v1 has one place for all
    /// identifiers, and derives the kind from the shape.
    /// Source: Customer.io Track API v1, customers: `identifier` is an id, an email or a `cio_id`.
    pub fn taken_by_v1_as(&self) -> Option<&'static str> {
        match self {
            Self::Id(id) if is_email(id) => Some("email"),
            Self::Id(id) if id.starts_with(CIO_PREFIX) => Some("cio_id"),
            _ => None,
        }
    }

    /// The person's path in v1.
    pub(super) fn v1_path(&self) -> String {
        let prefix = if matches!(self, Self::CioId(_)) {
            CIO_PREFIX
        } else {
            ""
        };
        format!(
            "/api/v1/customers/{prefix}{}",
            utf8_percent_encode(self.value(), IN_PATH)
        )
    }

    /// A hash of the person: items of one person keep their order.
    pub(super) fn hash(&self) -> u64 {
        use std::hash::{BuildHasher as _, BuildHasherDefault};
        BuildHasherDefault::<rustc_hash::FxHasher>::default().hash_one((self.key(), self.value()))
    }
}

/// Characters that are not encoded: RFC 3986, unreserved. Even `/` and `@` are encoded.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The person of an event by the settings. A blank identifier counts as missing.
pub(super) fn of<'e>(mapping: &Mapping, reading: &Reading<'e>) -> Option<Person<'e>> {
    let event = reading.event();
    let value = if mapping.person == "user_id" {
        event.user_id()
    } else {
        let found = reading.at(&mapping.person).and_then(json::scalar);
        found.and_then(trimmed)
    };
    match value {
        Some(value) if mapping.recognize && is_email(&value) => Some(Person::Email(value)),
        Some(value) if mapping.recognize && value.starts_with(CIO_PREFIX) => {
            let id = value.strip_prefix(CIO_PREFIX).unwrap_or_default();
            Some(Person::CioId(Cow::Owned(id.to_owned())))
        }
        Some(value) => Some(Person::Id(value)),
        None if mapping.anonymous == Anonymous::Send => event.device_id().map(Person::Anonymous),
        None => None,
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let blank = text.contains(char::is_whitespace) || domain.contains('@');
    !blank
        && !local.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}
