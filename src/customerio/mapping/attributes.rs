//! The attributes of an event: its own properties, and the other parts and fields that are sent.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use crate::amplitude::event::REVENUE;
use crate::amplitude::json::{self, Kind, ObjectWriter};
use crate::amplitude::{Field, Reading};

use super::selection::{Selection, has_repeated_key, keep_last_of_each};
use super::settings::{Layout, Mapping};

/// The parts beside the event's own properties: field, name, and prefix in the flat layout.
const PARTS: [(Field, &str, &str); 3] = [
    (Field::UserProperties, "user_properties", "user_"),
    (Field::GroupProperties, "group_properties", "group_"),
    (Field::Groups, "groups", "groups_"),
];

/// Writes the attributes of the event as a JSON object in which no name is repeated.
pub(super) fn write(mapping: &Mapping, reading: &Reading<'_>, out: &mut Vec<u8>) {
    let mut writer = AttributesWriter {
        selection: Selection::of(mapping),
        object: ObjectWriter::new(out),
        reading,
        written: Names::default(),
    };
    writer.event_properties();
    for (field, name, prefix) in PARTS {
        let Some(raw) = reading.event().raw(field) else {
            continue;
        };
        match (json::kind(raw), mapping.layout) {
            (Kind::Object, _) if is_empty(raw) => {}
            (Kind::Object, Layout::Flat) => writer.flat(raw, name, prefix),
            _ => writer.beside(name, raw),
        }
    }
    for name in fields(mapping, reading) {
        if let Some(raw) = reading.in_either_dialect(name) {
            writer.beside(name, raw);
        }
    }
    writer.object.end();
}

/// The top-level fields that are sent, each once.
fn fields<'m>(mapping: &'m Mapping, reading: &Reading<'_>) -> Vec<&'m str> {
    let mut names: Vec<&str> = Vec::new();
    if mapping.revenue && reading.event().has_revenue() {
        names.extend(REVENUE);
    }
    for name in &mapping.fields {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

fn is_empty(object: &str) -> bool {
    object[1..object.len() - 1].trim().is_empty()
}

struct AttributesWriter<'w, 'e> {
    selection: Option<Selection<'w>>,
    object: ObjectWriter<'w>,
    reading: &'w Reading<'e>,
    /// The written names, except those of the event's own properties.
    written: Names<'w>,
}

impl<'w> AttributesWriter<'w, '_> {
    fn event_properties(&mut self) {
        let path = "event_properties";
        let Some(raw) = self.reading.event().raw(Field::EventProperties) else {
            return;
        };
        if json::kind(raw) != Kind::Object {
            return self.beside(path, raw);
        }
        let own = self.reading.event_properties();
        if self.selection.is_none() && !has_repeated_key(own) {
            return self.object.extend(raw);
        }
        let mut own = own.clone();
        keep_last_of_each(&mut own);
        for (key, value) in own {
            if let Some(value) = self.selected(value, path, Some(&key)) {
                self.object.entry(&key, value.as_bytes());
            }
        }
    }

    /// Writes the entries of a part, each under its own name with a prefix.
    fn flat(&mut self, raw: &str, part: &str, prefix: &str) {
        let mut entries = json::entries(raw).unwrap_or_default();
        keep_last_of_each(&mut entries);
        for (key, value) in entries {
            if let Some(value) = self.selected(value, part, Some(&key)) {
                self.add(Cow::Owned(format!("{prefix}{key}")), &value);
            }
        }
    }

    /// Writes a part or a field under its own name.
    fn beside(&mut self, name: &'w str, raw: &str) {
        if let Some(value) = self.selected(raw, name, None)
            // A part of which nothing is selected is left out.
            && value != "{}"
        {
            self.add(Cow::Borrowed(name), &value);
        }
    }

    fn selected<'v>(&self, raw: &'v str, path: &str, key: Option<&str>) -> Option<Cow<'v, str>> {
        match (&self.selection, key) {
            (None, _) => Some(Cow::Borrowed(raw)),
            (Some(selection), Some(key)) => selection.entry(raw, path, key),
            (Some(selection), None) => selection.value(raw, path),
        }
    }

    /// Writes an entry. If its name is taken, as by an event property, it is prefixed.
    fn add(&mut self, mut name: Cow<'w, str>, value: &str) {
        let own = self.reading.event_properties();
        while self.written.contains(&name) || own.iter().any(|(key, _)| *key == name) {
            name.to_mut().insert_str(0, "amplitude_");
        }
        self.object.entry(&name, value.as_bytes());
        self.written.insert(name);
    }
}

/// A set of names, which are few but in the flat layout.
#[derive(Default)]
struct Names<'n> {
    few: Vec<Cow<'n, str>>,
    others: FxHashSet<Cow<'n, str>>,
}

impl<'n> Names<'n> {
    /// The number of names that are searched one by one.
    const FEW: usize = 8;

    fn contains(&self, name: &str) -> bool {
        self.few.iter().any(|other| other == name) || self.others.contains(name)
    }

    fn insert(&mut self, name: Cow<'n, str>) {
        if self.few.len() < Self::FEW {
            self.few.push(name);
        } else {
            self.others.insert(name);
        }
    }
}
