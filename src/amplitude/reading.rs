//! An event with a cache of parsed fields, which several stages share.

use std::sync::OnceLock;

use super::dialect;
use super::event::{Event, Field};
use super::json::{self, Entries};

/// Borrows an event, and parses each property list once, when it is first read.
#[derive(Debug)]
pub struct Reading<'e> {
    event: &'e Event,
    event_properties: OnceLock<Entries<'e>>,
    user_properties: OnceLock<Entries<'e>>,
    all: OnceLock<Entries<'e>>,
}

impl<'e> Reading<'e> {
    /// Borrows `event`; nothing is parsed yet.
    pub fn new(event: &'e Event) -> Self {
        Self {
            event,
            event_properties: OnceLock::new(),
            user_properties: OnceLock::new(),
            all: OnceLock::new(),
        }
    }

    /// The event.
    pub fn event(&self) -> &'e Event {
        self.event
    }

    /// The event's own properties; empty if they are absent or not an object.
    pub fn event_properties(&self) -> &Entries<'e> {
        self.event_properties
            .get_or_init(|| read(self.event.raw(Field::EventProperties)))
    }

    /// The person's properties as they were with this event.
    pub fn user_properties(&self) -> &Entries<'e> {
        self.user_properties
            .get_or_init(|| read(self.event.raw(Field::UserProperties)))
    }

    /// The raw value of any top-level field by its name in the text, even `null`.
    pub fn field(&self, name: &str) -> Option<&'e str> {
        let all = self.all.get_or_init(|| {
            let parts = self.event.parts();
            json::entries_knowing(self.event.text(), &parts).unwrap_or_default()
        });
        let found = all.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, raw)| *raw)
    }

    /// The raw value of a top-level field by its name in the Export API, in either dialect. `null`
    /// counts as absent.
    pub fn in_either_dialect(&self, name: &str) -> Option<&'e str> {
        dialect::names_of(&name)
            .iter()
            .filter_map(|name| self.field(name))
            .find(|raw| *raw != "null")
    }

    /// The raw value at a dotted path from the top of the event: `user_properties.plan`.
    pub fn at(&self, path: &str) -> Option<&'e str> {
        let (first, rest) = path
            .split_once('.')
            .map_or((path, None), |(f, r)| (f, Some(r)));
        let value = self.field(first)?;
        rest.map_or(Some(value), |rest| descend(value, rest))
    }
}

/// The raw value at a dotted path inside an object. A key that contains dots matches as a whole.
fn descend<'e>(raw: &'e str, path: &str) -> Option<&'e str> {
    let entries = json::entries(raw)?;
    if let Some((_, value)) = entries.iter().rev().find(|(key, _)| key == path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    let (_, value) = entries.into_iter().rev().find(|(key, _)| key == first)?;
    descend(value, rest)
}

fn read(raw: Option<&str>) -> Entries<'_> {
    raw.and_then(json::entries).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytestring::ByteString;

    #[test]
    fn a_path_matches_nested_keys_and_whole_keys_with_dots() {
        let text = ByteString::from(
            r#"{"event_type":"a","country":null,"user_properties":{"plan":{"name":"pro"},"a.b":1}}"#,
        );
        let (event, _) = Event::read(&text, 0, "message_id").unwrap();
        let reading = Reading::new(&event);
        assert_eq!(reading.at("user_properties.plan.name"), Some(r#""pro""#));
        assert_eq!(reading.at("user_properties.a.b"), Some("1"));
        assert_eq!(reading.at("user_properties.nope"), None);
        assert_eq!(reading.field("country"), Some("null"));
    }
}
