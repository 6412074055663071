//! Finding events in the ring, and the page of them that is shown.
//!
//! The ring is searched a few thousand events at a time, newest first, so that the screen
//! answers while a long search goes on; what comes in meanwhile is searched as it comes.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::filter::preview::Comparison;
use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;
use crate::tui::events::find::Find;
use crate::tui::events::outcome::Weight;
use crate::tui::events::page::{Anchor, Page, Part, Row, row};
use crate::tui::events::seek::{Direction, Seek};
use crate::tui::filters::preview::query::{Question, seen as to_preview};
use crate::tui::widget::theme::Sign;

/// So long may a search take of one frame of the screen.
const BUDGET: Duration = Duration::from_millis(8);
/// So many events are taken out of the ring at once.
const CHUNK: usize = 256;

/// The search and its place in the ring.
#[derive(Debug)]
pub struct Finder {
    ring: SharedRing,
    find: Option<Find>,
    /// What matched, oldest first.
    matches: VecDeque<u64>,
    /// Everything from here up to `seen_to` was searched.
    seen_from: u64,
    seen_to: u64,
    /// The draft of the filters that events are seen through.
    through: Option<Through>,
}

#[derive(Debug)]
struct Through {
    question: Question,
    comparison: Comparison,
}

impl Finder {
    /// A finder that looks for nothing yet.
    pub fn new(ring: SharedRing) -> Self {
        Self {
            ring,
            find: None,
            matches: VecDeque::new(),
            seen_from: 1,
            seen_to: 1,
            through: None,
        }
    }

    /// Looks for something else from now on.
    pub fn look_for(&mut self, find: Option<&Find>) {
        if self.find.as_ref() == find {
            return;
        }
        self.find = find.cloned();
        self.matches.clear();
        let end = self.ring.lock().end();
        (self.seen_from, self.seen_to) = (end, end);
    }

    /// Shows events as a draft would decide, from now on.
    pub fn look_through(&mut self, question: Option<Question>) {
        if self.through.as_ref().map(|through| &through.question) == question.as_ref() {
            return;
        }
        self.through = question.and_then(|question| {
            let comparison = Comparison::new(&question.before, &question.after).ok()?;
            Some(Through {
                question,
                comparison,
            })
        });
    }

    /// Searches on, for a part of a frame's time.
    pub fn work(&mut self) {
        let Some(find) = self.find.clone() else {
            return;
        };
        let first = self.ring.lock().first();
        while self
            .matches
            .front()
            .is_some_and(|sequence| *sequence < first)
        {
            self.matches.pop_front();
        }
        let started = Instant::now();
        while started.elapsed() < BUDGET {
            let newer: Vec<Record> = self
                .ring
                .lock()
                .from(self.seen_to)
                .take(CHUNK)
                .cloned()
                .collect();
            if let Some(last) = newer.last() {
                self.seen_to = last.sequence + 1;
                let found = newer.iter().filter(|r| find.matches(r)).map(|r| r.sequence);
                self.matches.extend(found);
                continue;
            }
            if self.seen_from <= first {
                return;
            }
            let from = self.seen_from.saturating_sub(CHUNK as u64).max(first);
            let count = (self.seen_from - from) as usize;
            let older: Vec<Record> = self.ring.lock().from(from).take(count).cloned().collect();
            for record in older.iter().rev().filter(|r| find.matches(r)) {
                self.matches.push_front(record.sequence);
            }
            self.seen_from = from;
        }
    }

    /// The page of `room` rows that begins `shift` rows below `anchor`: older is positive.
    pub fn page(
        &mut self,
        anchor: Anchor,
        shift: i64,
        room: usize,
        bookmarks: &BTreeSet<u64>,
    ) -> Page {
        let ring = self.ring.lock();
        let (first, end) = (ring.first(), ring.end());
        let total = end - first;
        let complete = self.find.is_none() || (self.seen_from <= first && self.seen_to >= end);
        let matched = if self.find.is_some() {
            self.matches.len() as u64
        } else {
            total
        };
        let at = |place: u64| match &self.find {
            Some(_) => self.matches.get(place as usize).copied(),
            None => Some(first + place),
        };
        // Places count from the oldest; the page goes down from its first.
        let place = match anchor {
            Anchor::Newest => matched.checked_sub(1),
            Anchor::At(sequence) => match &self.find {
                Some(_) => (self.matches.partition_point(|m| *m <= sequence) as u64)
                    .checked_sub(1)
                    .or(Some(0)),
                None => Some(sequence.clamp(first, end.saturating_sub(1).max(first)) - first),
            },
        };
        let Some(place) = place.filter(|_| matched > 0) else {
            return Page {
                rows: Vec::new(),
                total,
                matched,
                complete,
                above: 0,
                bar: Vec::new(),
            };
        };
        let lowest = (room as u64).min(matched).saturating_sub(1);
        let place = place
            .saturating_add_signed(-shift)
            .clamp(lowest, matched - 1);
        let places = (0..room as u64).map_while(|n| place.checked_sub(n));
        let through = &mut self.through;
        let records: Vec<Record> = places
            .filter_map(|place| ring.get(at(place)?).cloned())
            .collect();
        // Conditions are evaluated without the lock: events keep arriving meanwhile.
        drop(ring);
        let rows: Vec<Row> = records
            .iter()
            .map(|record| Row {
                is_marked: bookmarks.contains(&record.sequence),
                ..match through {
                    Some(through) => through.row(record),
                    None => row(record),
                }
            })
            .collect();
        let shown = rows.first().zip(rows.last());
        let mut bar = vec![Part::default(); room];
        // The newest is on top.
        let part_of = |sequence: u64| ((end - 1 - sequence) * room as u64 / total) as usize;
        if let Some((newest, oldest)) = shown.filter(|_| total > room as u64) {
            let parts = part_of(newest.sequence)..=part_of(oldest.sequence);
            bar[parts].iter_mut().for_each(|part| part.is_shown = true);
        }
        let here = |sequence: &&u64| (first..end).contains(*sequence);
        // A pane may have room for no row at all.
        for sequence in self.matches.iter().filter(here) {
            if let Some(part) = bar.get_mut(part_of(*sequence)) {
                part.is_found = true;
            }
        }
        for sequence in bookmarks.iter().filter(here) {
            if let Some(part) = bar.get_mut(part_of(*sequence)) {
                part.is_marked = true;
            }
        }
        Page {
            rows,
            total,
            matched,
            complete,
            above: matched - 1 - place,
            bar,
        }
    }

    /// An event by its number.
    pub fn record(&self, sequence: u64) -> Option<Record> {
        self.ring.lock().get(sequence).cloned()
    }

    /// The event that is sought, from `from` on; among those that were found, where something is
    /// looked for.
    pub fn seek(&self, seek: Seek, from: Option<u64>) -> Option<u64> {
        let is_it = |record: &Record| {
            let is_found =
                self.find.is_none() || self.matches.binary_search(&record.sequence).is_ok();
            is_found && seek.is(record)
        };
        let ring = self.ring.lock();
        let found = match (seek, from) {
            (Seek::Time(_), _) | (_, None) => ring.from(0).rev().find(|record| is_it(record)),
            (_, Some(from)) => match seek.direction() {
                Direction::Newer => ring.from(from + 1).find(|record| is_it(record)),
                Direction::Older => {
                    let older = |record: &&Record| record.sequence < from;
                    ring.from(0).rev().filter(older).find(|r| is_it(r))
                }
            },
        };
        found.map(|record| record.sequence)
    }
}

impl Through {
    /// The event's row; what the draft changes of it is told in the place of its outcome.
    fn row(&mut self, record: &Record) -> Row {
        let plain = row(record);
        let Some(seen) = to_preview(record) else {
            return plain;
        };
        let (before, after) = self.comparison.decide(&seen, self.question.send_users);
        match (before, after) {
            (Some(by), None) if !seen.is_rejected => Row {
                sign: Sign::OnItsWay,
                weight: Weight::Good,
                outcome: format!("would pass; now {by}"),
                ..plain
            },
            (None, Some(by)) if !seen.is_rejected => Row {
                sign: Sign::Filtered,
                weight: Weight::Warn,
                outcome: format!("would be held back: {by}"),
                ..plain
            },
            _ => plain,
        }
    }
}

#[cfg(test)]
mod tests;
