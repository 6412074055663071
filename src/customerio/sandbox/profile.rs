//! One person.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, BuildHasherDefault};

use serde_json::{Map, Value, json};

use super::activity::Identity;
use super::item::Item;
use super::stored_event::{Attributes, StoredEvent};

/// One person.
#[derive(Debug, Default)]
pub(super) struct Profile {
    pub(super) attributes: Attributes,
    /// The time of the last update that has one, in Unix seconds.
    pub(super) updated: Option<i64>,
    pub(super) events: VecDeque<StoredEvent>,
    pub(super) identity: Identity,
    /// Whether it is only an anonymous ID: events that belong to nobody yet.
    pub(super) is_anonymous: bool,
}

impl Profile {
    /// The person that an item names first.
    pub(super) fn named_by(item: &Item<'_>) -> Self {
        let named = item.identifiers.one();
        let value = |kind| match named {
            Some((name, value)) if name == kind => Some(value.to_owned()),
            _ => None,
        };
        let hasher = BuildHasherDefault::<rustc_hash::FxHasher>::default();
        let own = format!("{:016x}", hasher.hash_one(item.person()));
        Self {
            identity: Identity {
                id: value("id"),
                email: value("email"),
                cio_id: value("cio_id").unwrap_or(own),
            },
            is_anonymous: item.is_anonymous(),
            ..Self::default()
        }
    }

    /// Sets attributes. Returns those that changed: `{"plan": {"from": …, "to": …}}`.
    pub(super) fn set(&mut self, attributes: Attributes) -> Map<String, Value> {
        let mut changes = Map::new();
        for (name, value) in attributes {
            let before = self.attributes.insert(name.clone(), value.clone());
            if name == "email"
                && let Some(email) = value.as_str()
            {
                self.identity.email = Some(email.to_owned());
            }
            if before.as_ref() != Some(&value) {
                changes.insert(name, json!({ "from": before, "to": value }));
            }
        }
        changes
    }

    /// Whether an identifier of this type has this value.
    pub(super) fn is_identified_by(&self, id_type: &str, value: &str) -> bool {
        let identifier = match id_type {
            "email" => self.identity.email.as_deref(),
            "cio_id" => Some(self.identity.cio_id.as_str()),
            _ => self.identity.id.as_deref(),
        };
        !self.is_anonymous && identifier == Some(value)
    }
}
