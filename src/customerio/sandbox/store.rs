//! What the sandbox holds: people, their attributes and events, and the ids it has seen.
//!
//! Counts go on for ever; events and ids are kept up to a number, oldest out first, so that
//! a demonstration can run for days.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::check::Item;

/// Ids that are remembered: 50 MB of them.
const IDS: usize = 1_000_000;

/// How much came in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests to the Track API, refused ones included.
    pub requests: u64,
    /// Events taken, each id once.
    pub events: u64,
    /// Events ignored because their id was known.
    pub duplicates: u64,
    /// Identifies taken.
    pub identifies: u64,
    /// Items refused.
    pub refused: u64,
    /// People known.
    pub people: u64,
    /// Events taken, by name.
    pub by_name: BTreeMap<String, u64>,
}

/// One event that the sandbox holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Its dedupe id; empty where it came without.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Unix seconds, where given.
    pub timestamp: Option<i64>,
    /// Its data.
    pub attributes: serde_json::Value,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    keep_events: usize,
    counts: Counts,
    seen: HashSet<u128>,
    seen_order: VecDeque<u128>,
    people: HashMap<String, Known>,
    /// The person whom each anonymous ID has turned out to be.
    joined: HashMap<String, String>,
    order: VecDeque<String>,
}

/// What is known of one person.
#[derive(Debug, Default)]
struct Known {
    attributes: Attributes,
    /// The time of the last update that named one.
    updated: Option<i64>,
    events: VecDeque<StoredEvent>,
}

/// A person's attributes.
pub type Attributes = serde_json::Map<String, serde_json::Value>;

impl Store {
    /// An empty store that keeps up to `keep_events` events whole, over all people.
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

    /// Takes a sound item: a person it doesn't know is created, an event it knows is ignored.
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

    /// Sets a person's attributes. An update that is older than the last one is dropped without
    /// a word, as Customer.io drops it.
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

    /// Gives the events of an anonymous ID to the person it has turned out to be.
    fn join(&mut self, anonymous: &str, person: &str) {
        self.joined.insert(anonymous.to_owned(), person.to_owned());
        if anonymous == person {
            return;
        }
        let Some(was) = self.people.remove(anonymous) else {
            return;
        };
        let known = self.people.entry(person.to_owned()).or_default();
        known.events.extend(was.events);
        for name in self.order.iter_mut().filter(|name| *name == anonymous) {
            person.clone_into(name);
        }
    }

    /// Whether the id is new. Customer.io knows an event again by a ULID only.
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
