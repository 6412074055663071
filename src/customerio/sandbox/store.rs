//! The content of the sandbox: people, their attributes and events, and known ids.
//!
//! Counts never stop. Events and ids are kept up to a maximum, and the oldest are dropped, so that a
//! demonstration can run for days.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::amplitude::time::UnixMs;

use super::activities::{Activities, NewActivity};
use super::app_faults::Fate;
use super::item::Item;
use super::mail;
use super::profile::Profile;
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
    /// Items that were accepted with 200 and then failed, skipped or lost.
    pub not_applied: u64,
    /// Requests to the App API, including refused ones.
    pub app_requests: u64,
}

/// What happens to an item after the answer 200.
#[derive(Debug)]
pub(super) struct Aftermath {
    pub(super) fate: Fate,
    /// Whether it triggers a mail.
    pub(super) sends_mail: bool,
    /// The time of its receipt.
    pub(super) now_ms: UnixMs,
    /// When its activities can be seen.
    pub(super) visible_ms: UnixMs,
}

#[derive(Debug)]
pub(super) struct Store {
    keep_events: usize,
    counts: Counts,
    seen: HashSet<u128>,
    seen_order: VecDeque<u128>,
    people: HashMap<String, Profile>,
    /// The person behind each anonymous ID that was joined.
    joined: HashMap<String, String>,
    order: VecDeque<String>,
    activities: Activities,
}

impl Store {
    /// Creates an empty store that keeps up to `keep_events` events, over all people.
    pub(super) fn new(keep_events: usize) -> Self {
        Self {
            keep_events,
            counts: Counts::default(),
            seen: HashSet::new(),
            seen_order: VecDeque::new(),
            people: HashMap::new(),
            joined: HashMap::new(),
            order: VecDeque::new(),
            // An event with its mail has five.
            activities: Activities::new(keep_events * 5),
        }
    }

    pub(super) fn activities(&self) -> &Activities {
        &self.activities
    }

    /// The person with this key.
    pub(super) fn person(&self, key: &str) -> Option<&Profile> {
        self.people.get(key)
    }

    /// The key and the profile of the person with this identifier.
    pub(super) fn identified_by(&self, id_type: &str, value: &str) -> Option<(&str, &Profile)> {
        let by_key = self.people.get_key_value(value).into_iter();
        let mut all = by_key.chain(&self.people);
        let found = all.find(|(_, profile)| profile.is_identified_by(id_type, value));
        found.map(|(key, profile)| (key.as_str(), profile))
    }

    pub(super) fn note_app_request(&mut self) {
        self.counts.app_requests += 1;
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
    pub(super) fn take(&mut self, item: &Item<'_>, after: &Aftermath) {
        if item.is_identify() {
            self.counts.identifies += 1;
            return self.update(item, after);
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
        if after.fate != Fate::Applied {
            self.counts.not_applied += 1;
            self.see(&person, item, after);
            if after.fate == Fate::Failed {
                self.log(&person, "failed_event", item, after);
            }
            return;
        }
        let known = self.see(&person, item, after);
        known.events.push_back(item.stored());
        self.log(&person, "event", item, after);
        if after.sends_mail {
            self.mail(&person, after);
        }
        self.order.push_back(person);
        if self.order.len() > self.keep_events
            && let Some(oldest) = self.order.pop_front()
            && let Some(known) = self.people.get_mut(&oldest)
        {
            known.events.pop_front();
        }
    }

    /// The person of an item, who is created at first sight.
    fn see(&mut self, person: &str, item: &Item<'_>, after: &Aftermath) -> &mut Profile {
        if !self.people.contains_key(person) {
            let profile = Profile::named_by(item);
            if !profile.is_anonymous {
                self.activities.add(NewActivity {
                    person,
                    kind: "profile_create",
                    timestamp: after.now_ms.div_euclid(1_000),
                    visible_ms: after.visible_ms,
                    ..NewActivity::default()
                });
            }
            self.people.insert(person.to_owned(), profile);
        }
        self.people.entry(person.to_owned()).or_default()
    }

    /// Adds an activity about an item.
    fn log(&mut self, person: &str, kind: &str, item: &Item<'_>, after: &Aftermath) {
        let now = after.now_ms.div_euclid(1_000);
        self.activities.add(NewActivity {
            person,
            kind,
            name: item.name(),
            timestamp: item.timestamp().unwrap_or(now),
            visible_ms: after.visible_ms,
            ..NewActivity::default()
        });
    }

    /// Sends a mail to a person, whose steps can be seen one after the other.
    fn mail(&mut self, person: &str, after: &Aftermath) {
        let delivery = format!("delivery-{}", self.counts.events);
        for (kind, seconds) in mail::steps(person) {
            self.activities.add(NewActivity {
                person,
                kind,
                timestamp: after.now_ms.div_euclid(1_000) + seconds,
                visible_ms: after.visible_ms + seconds * 1_000,
                delivery: Some(delivery.clone()),
                ..NewActivity::default()
            });
        }
    }

    /// Sets a person's attributes. An update that is older than the last one is skipped with 200, as
    /// Customer.io does.
    fn update(&mut self, item: &Item<'_>, after: &Aftermath) {
        let person = item.person().to_owned();
        let known = self.see(&person, item, after);
        known.is_anonymous &= item.is_anonymous();
        let is_older = |time: i64| known.updated.is_some_and(|last| time < last);
        if item.timestamp().is_some_and(is_older) {
            self.counts.not_applied += 1;
            return self.log(&person, "skipped_update", item, after);
        }
        if after.fate == Fate::Failed {
            self.counts.not_applied += 1;
            return self.log(&person, "failed_attribute_change", item, after);
        }
        known.updated = item.timestamp().or(known.updated);
        let changes = known.set(item.attributes());
        let anonymous = known.attributes.get("anonymous_id");
        let anonymous = anonymous.and_then(Value::as_str).map(str::to_owned);
        if !changes.is_empty() {
            let now = after.now_ms.div_euclid(1_000);
            self.activities.add(NewActivity {
                person: &person,
                kind: "attribute_change",
                timestamp: item.timestamp().unwrap_or(now),
                visible_ms: after.visible_ms,
                data: changes.into(),
                ..NewActivity::default()
            });
        }
        if let Some(anonymous) = anonymous {
            self.join(&anonymous, &person);
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
        self.activities.join(anonymous, person);
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
