//! The identify that goes along with an event: the person's user properties as attributes.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::amplitude::json::{self, Entries, ObjectWriter};
use crate::amplitude::{Field, Reading};

use super::item::{Item, Route, open_item};
use super::person::Person;
use super::selection::Selection;
use super::settings::Mapping;
use super::{super::sizes, Mapped};

/// The attribute in which a person's earlier device is named.
const ANONYMOUS_ID: &str = "anonymous_id";

/// What an identify of an event's person would carry.
///
/// It is worked out from the user properties whether identifies are sent or not, so that the
/// limits can tell before `send_users` is switched on.
#[derive(Debug)]
pub struct Identify<'e> {
    /// The attributes, each name once: after the selection, before those are left out whose
    /// size Customer.io would refuse.
    pub attributes: Vec<(Cow<'e, str>, Cow<'e, str>)>,
    /// The operations that an identify can't carry.
    pub unsent: Vec<Operation<'e>>,
}

/// An operation on user properties that Customer.io's identify has no word for.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation<'e> {
    /// Its name: `$unset`.
    pub name: Cow<'e, str>,
    /// The properties that it is about.
    pub properties: Vec<Cow<'e, str>>,
}

impl Mapping {
    /// The identify of an event's user properties: all of them, or those under `$set` where the
    /// event carries operations, as the SDKs' `$identify` events do.
    pub fn identify<'e>(&self, reading: &Reading<'e>) -> Identify<'e> {
        let Some(selection) = Selection::of(self) else {
            return Identify::of(reading.user_properties());
        };
        let raw = reading.event().raw(Field::UserProperties);
        let chosen = raw.and_then(|raw| selection.value(raw, "user_properties"));
        match chosen {
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
        let mut attributes = Attributes::default();
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

/// Attributes in the order in which they were first set; a later value replaces an earlier one.
#[derive(Default)]
struct Attributes<'e> {
    in_order: Vec<(Cow<'e, str>, Cow<'e, str>)>,
    places: FxHashMap<Cow<'e, str>, usize>,
}

impl<'e> Attributes<'e> {
    fn set(&mut self, name: Cow<'e, str>, value: &'e str) {
        let value = Cow::Borrowed(value);
        match self.places.get(&name) {
            Some(place) => self.in_order[*place].1 = value,
            None => {
                self.places.insert(name.clone(), self.in_order.len());
                self.in_order.push((name, value));
            }
        }
    }
}

/// An identify that is ready to be sent.
#[derive(Debug)]
pub struct IdentifyItem {
    /// The item.
    pub item: Item,
    /// A hash of what it sets, whenever that happened.
    pub sets: u64,
}

impl Mapped<'_> {
    /// The identify as an item, with the time of the event, so that one that comes late never
    /// overwrites what is newer. Nothing where it would set nothing, and for an anonymous
    /// person, whom Customer.io knows by events only.
    ///
    /// Attributes that Customer.io would refuse by their own size stay behind; the limits name
    /// them.
    pub fn identify_item(
        &self,
        mapping: &Mapping,
        identify: &Identify<'_>,
        reading: &Reading<'_>,
    ) -> Option<IdentifyItem> {
        let person = self.person.as_ref()?;
        if matches!(person, Person::Anonymous(_)) {
            return None;
        }
        let sent: &[_] = if mapping.send_users {
            &identify.attributes
        } else {
            &[]
        };
        let device = if mapping.links_anonymous() {
            reading.event().device_id()
        } else {
            None
        };
        let attributes = written(sent, device.as_deref())?;
        let seconds = self.timestamp()?;
        let sets = hash(&attributes, device.as_deref());
        let mut body = Vec::with_capacity(attributes.len() + 200);
        open_item(&mut body, "identify", person);
        body.extend_from_slice(format!(r#","timestamp":{seconds},"attributes":"#).as_bytes());
        body.extend_from_slice(&attributes);
        body.push(b'}');
        let item = if body.len() <= sizes::BATCH_ITEM_BYTES {
            self.finish(person, Route::Batch, body)
        } else {
            let path = person.v1_path();
            let body = with_time(&attributes, seconds);
            self.finish(person, Route::V1 { put: true, path }, body)
        };
        Some(IdentifyItem { item, sets })
    }
}

/// The attributes as JSON, or nothing where there is none to set.
fn written(attributes: &[(Cow<'_, str>, Cow<'_, str>)], device: Option<&str>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut object = ObjectWriter::new(&mut out);
    let mut is_empty = true;
    let mut names_device = false;
    for (name, value) in attributes {
        let fits = name.len() <= sizes::ATTRIBUTE_NAME_BYTES
            && sizes::value_bytes(value) <= sizes::ATTRIBUTE_VALUE_BYTES;
        if fits {
            object.entry(name, value.as_bytes());
            is_empty = false;
            names_device |= name == ANONYMOUS_ID;
        }
    }
    // An attribute of the operator's own is stronger than ours.
    if let Some(device) = device.filter(|_| !names_device) {
        let mut value = Vec::new();
        json::push_string(&mut value, device);
        object.entry(ANONYMOUS_ID, &value);
        is_empty = false;
    }
    object.end();
    (!is_empty).then_some(out)
}

/// v1 has no place beside the attributes: the time of an identify is one of them.
/// Source: Customer.io Track API v1, customers: `_timestamp`.
const V1_TIME: &str = "_timestamp";

fn with_time(attributes: &[u8], seconds: i64) -> Vec<u8> {
    let text = std::str::from_utf8(attributes).unwrap_or("{}");
    let attributes = json::without(text, V1_TIME);
    json::with_first(&attributes, V1_TIME, &seconds.to_string()).into_bytes()
}

fn hash(attributes: &[u8], device: Option<&str>) -> u64 {
    use std::hash::{BuildHasher as _, BuildHasherDefault};
    BuildHasherDefault::<rustc_hash::FxHasher>::default().hash_one((attributes, device))
}
