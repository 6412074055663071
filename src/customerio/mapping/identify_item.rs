//! The item of an identify.

use std::borrow::Cow;

use crate::amplitude::Reading;
use crate::amplitude::json::{self, ObjectWriter};
use crate::customerio::item::{Item, Route};
use crate::customerio::sizes;

use super::identify::Identify;
use super::item_body;
use super::mapped::Mapped;
use super::person::Person;
use super::settings::Mapping;

/// The attribute that links a device's earlier events to the person.
const ANONYMOUS_ID: &str = "anonymous_id";

/// An identify that is ready to be sent.
#[derive(Debug)]
pub struct IdentifyItem {
    /// The item.
    pub item: Item,
    /// A hash of its attributes and device, without the time.
    pub sets: u64,
}

impl Mapped<'_> {
    /// The identify as an item, with the time of the event, so that a late one never overwrites
    /// newer values. None if it sets nothing, or the person is anonymous: Customer.io knows
    /// anonymous people by events only.
    ///
    /// Attributes that are too large for Customer.io are left out; the limits report them.
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
        let attributes: &[_] = if mapping.send_users {
            &identify.attributes
        } else {
            &[]
        };
        let device = if mapping.links_anonymous() {
            reading.event().device_id()
        } else {
            None
        };
        let attributes = to_json(attributes, device.as_deref())?;
        let seconds = self.timestamp()?;
        let sets = hash(&attributes, device.as_deref());
        let mut body = Vec::with_capacity(attributes.len() + 200);
        item_body::open(&mut body, "identify", person);
        item_body::push_timestamp(&mut body, seconds);
        body.extend_from_slice(br#","attributes":"#);
        body.extend_from_slice(&attributes);
        body.push(b'}');
        let item = if body.len() <= sizes::BATCH_ITEM_BYTES {
            item_body::finish(self, person, Route::Batch, body)
        } else {
            let path = person.v1_path();
            let body = with_time(&attributes, seconds);
            item_body::finish(self, person, Route::V1 { put: true, path }, body)
        };
        Some(IdentifyItem { item, sets })
    }
}

/// The attributes as JSON; none if there is nothing to set.
fn to_json(attributes: &[(Cow<'_, str>, Cow<'_, str>)], device: Option<&str>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut object = ObjectWriter::new(&mut out);
    let mut is_empty = true;
    let mut has_device = false;
    for (name, value) in attributes {
        let fits = name.len() <= sizes::ATTRIBUTE_NAME_BYTES
            && sizes::value_bytes(value) <= sizes::ATTRIBUTE_VALUE_BYTES;
        if fits {
            object.entry(name, value.as_bytes());
            is_empty = false;
            has_device |= name == ANONYMOUS_ID;
        }
    }
    // An attribute of the same name in the event takes precedence.
    if let Some(device) = device.filter(|_| !has_device) {
        let mut value = Vec::new();
        json::push_string(&mut value, device);
        object.entry(ANONYMOUS_ID, &value);
        is_empty = false;
    }
    object.end();
    (!is_empty).then_some(out)
}

/// The attribute that holds the time of an identify by v1, which has no other place for it.
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
