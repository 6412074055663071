//! The content of the sandbox: people, their attributes and events, and known ids.
//!
//! Counts never stop. Events and ids are kept up to a maximum, and the oldest are dropped, so that a
//! demonstration can run for days.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::item::Item;
use super::stored_event::{Attributes, StoredEvent};

/// Maximum ids remembered: about 50 MB.
const IDS: usize = 1_000_000;

/// Counts since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests to the Track API, including refused ones.
    pub requests: u64,
    /// Events accepted; each id counts once.
    pub events: u64,
    /// Events ignored because their id was known.
    pub duplicates: u64,
    /// Identifies accepted.
    pub identifies: u64,
    /// Items refused.
    pub refused: u64,
    /// Known people.
    pub people: u64,
    /// Events accepted, by name.
    pub by_name: BTreeMap<String, u64>,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    keep_events: usize,
    counts: Counts,
    seen: HashSet<u128>,
    seen_order: VecDeque<u128>,
    people: HashMap<String, Profile>,
    /// The person behind each anonymous ID that was joined.
    joined: HashMap<String, String>,
    order: VecDeque<String>,
}

/// One person.
#[derive(Debug, Default)]
struct Profile {
    attributes: Attributes,
    /// The time of the last update that has one, in Unix seconds.
    updated: Option<i64>,
    events: VecDeque<StoredEvent>,
}

impl Store {
    /// Creates an empty store that keeps up to `keep_events` events, over all people.
    pub(super) fn new(keep_events: usize) -> Self {
        Self {
            keep_events,
            ..Self::default()
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            people: self.people.len() as u64,
            ..self.counts.clone()
        }
    }

    pub(super) fn people(&self) -> Vec<String> {
        let mut all: Vec<String> = self.people.keys().cloned().collect();
        all.sort_unstable();
        all
    }

    pub(super) fn events_of(&self, person: &str) -> Vec<StoredEvent> {
        let known = self.people.get(person).into_iter();
        known.flat_map(|known| &known.events).cloned().collect()
    }

    pub(super) fn attributes_of(&self, person: &str) -> Attributes {
        let known = self.people.get(person);
        known.map_or_else(Attributes::new, |known| known.attributes.clone())
    }

    pub(super) fn note_request(&mut self) {
        self.counts.requests += 1;
    }

    pub(super) fn note_refused(&mut self) {
        self.counts.refused += 1;
    }

    /// Takes a valid item. An unknown person is created; an event with a known id is ignored.
    pub(super) fn take(&mut self, item: &Item<'_>) {
        if item.is_identify() {
            self.counts.identifies += 1;
            return self.update(item);
        }
        if !item.id().is_empty() && !self.remember(item.id()) {
            self.counts.duplicates += 1;
            return;
        }
        self.counts.events += 1;
        *self
            .counts
            .by_name
            .entry(item.name().to_owned())
            .or_default() += 1;
        let person = match self.joined.get(item.person()) {
            Some(joined) if item.is_anonymous() => joined.clone(),
            _ => item.person().to_owned(),
        };
        let known = self.people.entry(person.clone()).or_default();
        known.events.push_back(item.stored());
        self.order.push_back(person);
        if self.order.len() > self.keep_events
            && let Some(oldest) = self.order.pop_front()
            && let Some(known) = self.people.get_mut(&oldest)
        {
            known.events.pop_front();
        }
    }

    /// Sets a person's attributes. An update that is older than the last one is dropped silently,
    /// as Customer.io does.
    fn update(&mut self, item: &Item<'_>) {
        let known = self.people.entry(item.person().to_owned()).or_default();
        let is_older = |time: i64| known.updated.is_some_and(|last| time < last);
        if item.timestamp().is_some_and(is_older) {
            return;
        }
        known.updated = item.timestamp().or(known.updated);
        known.attributes.extend(item.attributes());
        let anonymous = known
            .attributes
            .get("anonymous_id")
            .and_then(|v| v.as_str());
        if let Some(anonymous) = anonymous.map(str::to_owned) {
            self.join(&anonymous, item.person());
        }
    }

    /// Moves the events of an anonymous ID to the person behind it.
    fn join(&mut self, anonymous: &str, person: &str) {
        self.joined.insert(anonymous.to_owned(), person.to_owned());
        if anonymous == person {
            return;
        }
        let Some(before) = self.people.remove(anonymous) else {
            return;
        };
        let known = self.people.entry(person.to_owned()).or_default();
        known.events.extend(before.events);
        for name in self.order.iter_mut().filter(|name| *name == anonymous) {
            person.clone_into(name);
        }
    }

    /// Remembers an id. Returns false if it was known. Customer.io ignores ids that are not ULIDs.
    fn remember(&mut self, id: &str) -> bool {
        let Ok(id) = ulid::Ulid::from_string(id).map(u128::from) else {
            return true;
        };
        if !self.seen.insert(id) {
            return false;
        }
        self.seen_order.push_back(id);
        if self.seen_order.len() > IDS
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}
