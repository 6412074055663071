//! What the sandbox holds: people, their events, and the ids it has seen.
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
    people: HashMap<String, VecDeque<StoredEvent>>,
    order: VecDeque<String>,
}

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
        self.people
            .get(person)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
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
            self.people.entry(item.person().to_owned()).or_default();
            return;
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
        let person = item.person().to_owned();
        self.people
            .entry(person.clone())
            .or_default()
            .push_back(item.stored());
        self.order.push_back(person);
        if self.order.len() > self.keep_events {
            let oldest = self.order.pop_front().unwrap_or_default();
            self.people.entry(oldest).or_default().pop_front();
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
