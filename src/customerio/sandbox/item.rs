//! One item of v2: an event or an identify. Items of v1 are converted to it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::stored_event::{Attributes, StoredEvent};

/// The attribute that holds the time of an identify by v1.
const V1_TIME: &str = "_timestamp";

#[derive(Debug, Default, Deserialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "type", default, borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) action: Cow<'a, str>,
    #[serde(default)]
    pub(super) identifiers: Identifiers<'a>,
    #[serde(default, borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(default)]
    pub(super) timestamp: Option<i64>,
    #[serde(default, borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) attributes: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Identifiers<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) email: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) cio_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) anonymous_id: Option<Cow<'a, str>>,
}

impl Item<'_> {
    pub(super) fn is_identify(&self) -> bool {
        self.action == "identify"
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn name(&self) -> &str {
        self.name.trim()
    }

    pub(super) fn person(&self) -> &str {
        self.identifiers.one().map_or("", |(_, value)| value)
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.identifiers.anonymous_id.is_some()
    }

    /// The time in Unix seconds. An identify by v1 has it among its attributes.
    pub(super) fn timestamp(&self) -> Option<i64> {
        let by_v1 = || self.attributes().get(V1_TIME).and_then(Value::as_i64);
        self.timestamp.or_else(by_v1)
    }

    /// The attributes; none if they are absent or not an object.
    pub(super) fn attributes(&self) -> Attributes {
        let read = self.attributes.map(|raw| serde_json::from_str(raw.get()));
        read.and_then(Result::ok).unwrap_or_default()
    }

    pub(super) fn stored(&self) -> StoredEvent {
        let attributes = self
            .attributes
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        StoredEvent {
            id: self.id.clone().into_owned(),
            name: self.name().to_owned(),
            timestamp: self.timestamp,
            attributes: attributes.unwrap_or_default(),
        }
    }
}

impl Identifiers<'_> {
    /// The name and the value of the identifier, if there is exactly one.
    pub(super) fn one(&self) -> Option<(&'static str, &str)> {
        let all = [
            ("id", &self.id),
            ("email", &self.email),
            ("cio_id", &self.cio_id),
            ("anonymous_id", &self.anonymous_id),
        ];
        let mut given = all
            .into_iter()
            .filter_map(|(name, v)| Some((name, v.as_deref()?)));
        given.next().filter(|_| given.next().is_none())
    }
}
