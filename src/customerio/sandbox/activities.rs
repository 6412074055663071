//! All activities, the oldest first, up to a maximum.

use std::collections::VecDeque;

use serde_json::Value;

use crate::amplitude::time::UnixMs;

use super::activity::Activity;

/// How long an activity is listed, in seconds: Customer.io guarantees 30 days.
const LISTED_SECONDS: i64 = 30 * 86_400;

/// Which activities to list.
#[derive(Debug, Clone, Default)]
pub(super) struct ActivityQuery<'q> {
    /// The key of a person.
    pub(super) person: Option<&'q str>,
    /// Their type.
    pub(super) kind: Option<&'q str>,
    /// Their name.
    pub(super) name: Option<&'q str>,
    /// Only activities below this number: where the page before ended.
    pub(super) below: Option<u64>,
    /// Maximum of the page.
    pub(super) limit: usize,
}

/// A page of activities, the newest first.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) activities: Vec<&'a Activity>,
    /// Where the next page begins; none if this is the last one.
    pub(super) next: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Activities {
    all: VecDeque<Activity>,
    keep: usize,
    last_number: u64,
}

/// What has happened, without its number.
#[derive(Debug, Default)]
pub(super) struct NewActivity<'n> {
    pub(super) person: &'n str,
    pub(super) kind: &'n str,
    pub(super) name: &'n str,
    pub(super) timestamp: i64,
    pub(super) visible_ms: UnixMs,
    pub(super) data: Value,
    pub(super) delivery: Option<String>,
}

impl Activities {
    /// Keeps up to `keep` activities.
    pub(super) fn new(keep: usize) -> Self {
        Self {
            all: VecDeque::new(),
            keep,
            last_number: 0,
        }
    }

    pub(super) fn add(&mut self, new: NewActivity<'_>) {
        self.last_number += 1;
        self.all.push_back(Activity {
            number: self.last_number,
            person: new.person.to_owned(),
            kind: new.kind.to_owned(),
            name: new.name.to_owned(),
            timestamp: new.timestamp,
            visible_ms: new.visible_ms,
            data: new.data,
            delivery: new.delivery,
        });
        if self.all.len() > self.keep {
            self.all.pop_front();
        }
    }

    /// Gives the activities of a person to another one.
    pub(super) fn join(&mut self, from: &str, to: &str) {
        for activity in self.all.iter_mut().filter(|one| one.person == from) {
            to.clone_into(&mut activity.person);
        }
    }

    /// A page of the activities that can be seen at `now`.
    pub(super) fn page(&self, query: &ActivityQuery<'_>, now: UnixMs) -> Page<'_> {
        let oldest = now.div_euclid(1_000) - LISTED_SECONDS;
        let is_asked = |asked: Option<&str>, value: &str| asked.is_none_or(|it| it == value);
        let mut found = self.all.iter().rev().filter(|one| {
            is_asked(query.person, &one.person)
                && is_asked(query.kind, &one.kind)
                && is_asked(query.name, &one.name)
                && query.below.is_none_or(|below| one.number < below)
                && one.visible_ms <= now
                && one.timestamp >= oldest
        });
        let activities: Vec<&Activity> = found.by_ref().take(query.limit).collect();
        let has_more = found.next().is_some();
        let last = activities.last().map(|last| last.number);
        Page {
            next: last.filter(|_| has_more),
            activities,
        }
    }
}
