//! The identify of an event's person: the user properties as attributes.

use std::borrow::Cow;

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::amplitude::json::{self, Entries};
use crate::amplitude::{Field, Reading};

use super::selection::Selection;
use super::settings::Mapping;

/// The content of an identify.
///
/// It is computed even if no identifies are sent, so that limits report violations before
/// `send_users` is switched on.
#[derive(Debug)]
pub struct Identify<'e> {
    /// The selected attributes, each name once, including those that are too large to be sent.
    pub attributes: Vec<(Cow<'e, str>, Cow<'e, str>)>,
    /// The operations that an identify can't express.
    pub unsent: Vec<Operation<'e>>,
}

/// An operation on user properties that Customer.io's identify can't express.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation<'e> {
    /// Its name: `$unset`.
    pub name: Cow<'e, str>,
    /// The properties that it changes.
    pub properties: Vec<Cow<'e, str>>,
}

impl Mapping {
    /// The identify of an event: its user properties, and those under `$set`, as in the SDKs'
    /// `$identify` events.
    pub fn identify<'e>(&self, reading: &Reading<'e>) -> Identify<'e> {
        let Some(selection) = Selection::of(self) else {
            return Identify::of(reading.user_properties());
        };
        let raw = reading.event().raw(Field::UserProperties);
        let selected = raw.and_then(|raw| selection.value(raw, "user_properties"));
        match selected {
            Some(Cow::Borrowed(all)) => Identify::of(&json::entries(all).unwrap_or_default()),
            Some(Cow::Owned(all)) => {
                Identify::of(&json::entries(&all).unwrap_or_default()).into_owned()
            }
            None => Identify::of(&Entries::new()),
        }
    }
}

impl<'e> Identify<'e> {
    fn of(all: &Entries<'e>) -> Self {
        let mut attributes = Attributes::with_capacity(all.len());
        let mut unsent = Vec::new();
        let (operations, plain): (Vec<_>, Vec<_>) =
            all.iter().partition(|(key, _)| key.starts_with('$'));
        for (name, value) in plain {
            attributes.set(name.clone(), value);
        }
        for (operation, raw) in operations {
            let properties = json::entries(raw);
            match properties {
                Some(properties) if operation == "$set" => {
                    for (name, value) in properties {
                        attributes.set(name, value);
                    }
                }
                properties => unsent.push(Operation {
                    name: operation.clone(),
                    properties: names(properties.unwrap_or_default()),
                }),
            }
        }
        Self {
            attributes: attributes.in_order,
            unsent,
        }
    }

    fn into_owned(self) -> Identify<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let attributes = self.attributes.into_iter();
        let unsent = self.unsent.into_iter().map(|operation| Operation {
            name: owned(operation.name),
            properties: operation.properties.into_iter().map(owned).collect(),
        });
        Identify {
            attributes: attributes.map(|(k, v)| (owned(k), owned(v))).collect(),
            unsent: unsent.collect(),
        }
    }
}

fn names(entries: Entries<'_>) -> Vec<Cow<'_, str>> {
    entries.into_iter().map(|(key, _)| key).collect()
}

/// Attributes in the order in which they were first set. A later value replaces an earlier one.
struct Attributes<'e> {
    in_order: Vec<(Cow<'e, str>, Cow<'e, str>)>,
    indexes: FxHashMap<Cow<'e, str>, usize>,
}

impl<'e> Attributes<'e> {
    fn with_capacity(names: usize) -> Self {
        Self {
            in_order: Vec::with_capacity(names),
            indexes: FxHashMap::with_capacity_and_hasher(names, FxBuildHasher),
        }
    }

    fn set(&mut self, name: Cow<'e, str>, value: &'e str) {
        let value = Cow::Borrowed(value);
        match self.indexes.get(&name) {
            Some(index) => self.in_order[*index].1 = value,
            None => {
                self.indexes.insert(name.clone(), self.in_order.len());
                self.in_order.push((name, value));
            }
        }
    }
}
