//! The scan of the ring: which events are in the list, and which of them the search matches.
//!
//! It reads the ring in parts, the newest first, so that the screen stays responsive. New events are
//! read as they arrive, and events whose outcome changed are looked at again.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::protocol::Record;
use crate::telemetry::ring::{Ring, SharedRing};
use crate::telemetry::story_changes::Follower;
use crate::tui::events::find::Find;
use crate::tui::events::list::EventList;
use crate::tui::range::time_range::TimeRange;

/// Maximum time of a scan per frame.
const BUDGET: Duration = Duration::from_millis(8);
/// Events read from the ring at once.
const CHUNK: usize = 256;

/// A list and a search, and what was found so far.
#[derive(Debug)]
pub(super) struct Scan {
    list: EventList,
    find: Option<Find>,
    /// The range of time that the list is limited to.
    range: Option<TimeRange>,
    /// The events in the list, the oldest first. Unused for the list of all events.
    members: VecDeque<u64>,
    /// Those of them that match the search, the oldest first. Empty without a search.
    matches: VecDeque<u64>,
    /// The events that were read.
    seen: Range<u64>,
    /// Follows the changes of stories, if the list depends on them.
    changes: Option<Follower>,
}

impl Scan {
    /// A scan for all events, without a search.
    pub(super) fn new() -> Self {
        Self {
            list: EventList::All,
            find: None,
            range: None,
            members: VecDeque::new(),
            matches: VecDeque::new(),
            seen: 1..1,
            changes: None,
        }
    }

    /// Sets the list and the search. If one of them is another, the scan starts again.
    pub(super) fn set(&mut self, list: &EventList, find: Option<&Find>, ring: &SharedRing) {
        if self.list == *list && self.find.as_ref() == find {
            return;
        }
        self.list = list.clone();
        self.find = find.cloned();
        self.restart(&mut ring.lock());
    }

    /// Sets the range of time. If it is another, the scan starts again.
    pub(super) fn set_range(&mut self, range: Option<TimeRange>, ring: &SharedRing) {
        if self.range != range {
            self.range = range;
            self.restart(&mut ring.lock());
        }
    }

    fn restart(&mut self, ring: &mut Ring) {
        self.members.clear();
        self.matches.clear();
        self.seen = ring.end()..ring.end();
        let follows = self.list.follows_outcomes();
        self.changes = follows.then(|| ring.story_changes().follow());
    }

    pub(super) fn find(&self) -> Option<&Find> {
        self.find.as_ref()
    }

    fn is_for_all(&self) -> bool {
        self.lists_all() && self.find.is_none()
    }

    /// Whether the list holds all events in the ring.
    fn lists_all(&self) -> bool {
        self.list == EventList::All && self.range.is_none()
    }

    /// Whether everything in the ring was read.
    pub(super) fn is_complete(&self, ring: &Range<u64>) -> bool {
        self.is_for_all() || (self.seen.start <= ring.start && self.seen.end >= ring.end)
    }

    /// The events to show: the matches, or with `in_context` the whole list. None for all events in
    /// the ring.
    pub(super) fn shown(&self, in_context: bool) -> Option<&VecDeque<u64>> {
        match &self.find {
            Some(_) if !in_context => Some(&self.matches),
            _ => self.members(),
        }
    }

    /// The events in the list. None for all events in the ring.
    pub(super) fn members(&self) -> Option<&VecDeque<u64>> {
        (!self.lists_all()).then_some(&self.members)
    }

    /// The matches of the search, the oldest first.
    pub(super) fn matches(&self) -> &VecDeque<u64> {
        &self.matches
    }

    /// Whether the search matches an event.
    pub(super) fn is_match(&self, sequence: u64) -> bool {
        self.matches.binary_search(&sequence).is_ok()
    }

    /// Continues the scan, for at most `BUDGET`.
    pub(super) fn advance(&mut self, ring: &SharedRing) {
        if self.is_for_all() {
            return;
        }
        let first = ring.lock().first();
        for found in [&mut self.members, &mut self.matches] {
            while found.front().is_some_and(|sequence| *sequence < first) {
                found.pop_front();
            }
        }
        self.follow_changes(ring);
        let copied = |from: u64, count: usize| -> Vec<Record> {
            ring.lock().from(from).take(count).cloned().collect()
        };
        let started = Instant::now();
        while started.elapsed() < BUDGET {
            let newer = copied(self.seen.end, CHUNK);
            if let Some(last) = newer.last() {
                self.seen.end = last.sequence + 1;
                for record in &newer {
                    self.judge(record, VecDeque::push_back);
                }
                continue;
            }
            if self.seen.start <= first {
                return;
            }
            let from = self.seen.start.saturating_sub(CHUNK as u64).max(first);
            let older = copied(from, (self.seen.start - from) as usize);
            for record in older.iter().rev() {
                self.judge(record, VecDeque::push_front);
            }
            self.seen.start = from;
        }
    }

    /// Whether a record is in the list, and whether it is there and matches the search.
    fn found(&self, record: &Record) -> (bool, bool) {
        let is_in_range = |range: TimeRange| range.contains(record.received_ms);
        let is_member = self.range.is_none_or(is_in_range) && self.list.has(record);
        let is_match = |find: &Find| is_member && find.matches(record);
        (is_member, self.find.as_ref().is_some_and(is_match))
    }

    /// Adds a record at an end of what was found.
    fn judge(&mut self, record: &Record, add: fn(&mut VecDeque<u64>, u64)) {
        let (is_member, is_match) = self.found(record);
        if is_member && !self.lists_all() {
            add(&mut self.members, record.sequence);
        }
        if is_match {
            add(&mut self.matches, record.sequence);
        }
    }

    /// Looks again at the events whose outcome changed. Starts again if too many have.
    fn follow_changes(&mut self, ring: &SharedRing) {
        let Some(follower) = &mut self.changes else {
            return;
        };
        let changed: Vec<Record> = {
            let mut ring = ring.lock();
            if ring.story_changes().has_missed(follower) {
                self.restart(&mut ring);
                return;
            }
            let changed = ring.story_changes().next(follower, usize::MAX);
            let was_seen = |sequence: &u64| self.seen.contains(sequence);
            let records = changed.into_iter().filter(was_seen);
            records.filter_map(|n| ring.get(n).cloned()).collect()
        };
        for record in changed {
            let (is_member, is_match) = self.found(&record);
            place(&mut self.members, record.sequence, is_member);
            place(&mut self.matches, record.sequence, is_match);
        }
    }
}

/// Adds a number to sorted numbers, or removes it.
fn place(numbers: &mut VecDeque<u64>, number: u64, is_there: bool) {
    match (numbers.binary_search(&number), is_there) {
        (Err(at), true) => numbers.insert(at, number),
        (Ok(at), false) => _ = numbers.remove(at),
        _ => {}
    }
}
