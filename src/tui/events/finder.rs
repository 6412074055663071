//! Searches the ring, and makes the page of visible events.
//!
//! A search reads the ring in parts, the newest first, so that the screen stays responsive. New events
//! are searched as they arrive.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::filter::preview::Comparison;
use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::events::find::Find;
use crate::tui::events::outcome::Severity;
use crate::tui::events::page::{Anchor, BarSegment, Page, Row, row};
use crate::tui::events::seek::{Direction, Seek};
use crate::tui::filters::preview::query::{Question, preview_input};
use crate::tui::widget::theme::Sign;

/// Maximum time of a search per frame.
const BUDGET: Duration = Duration::from_millis(8);
/// Events read from the ring at once.
const CHUNK: usize = 256;

/// A search and its progress.
#[derive(Debug)]
pub struct Finder {
    ring: SharedRing,
    find: Option<Find>,
    /// The sequence numbers of the matches, the oldest first.
    matches: VecDeque<u64>,
    /// The events from here up to `seen_to` are searched.
    seen_from: u64,
    seen_to: u64,
    /// The draft whose decisions the page shows.
    lens: Option<DraftLens>,
    /// The sequence number at which the visible events end, while the display is frozen.
    end: Option<u64>,
    /// The reason why accepted events stay queued.
    queued: Option<QueueReason>,
}

#[derive(Debug)]
struct DraftLens {
    question: Question,
    comparison: Comparison,
}

impl Finder {
    /// A finder without a search.
    pub fn new(ring: SharedRing) -> Self {
        Self {
            ring,
            find: None,
            matches: VecDeque::new(),
            seen_from: 1,
            seen_to: 1,
            lens: None,
            end: None,
            queued: None,
        }
    }

    /// Sets the search. Another search starts again.
    pub fn set_find(&mut self, find: Option<&Find>) {
        if self.find.as_ref() == find {
            return;
        }
        self.find = find.cloned();
        self.matches.clear();
        let end = self.ring.lock().end();
        (self.seen_from, self.seen_to) = (end, end);
    }

    /// Sets the draft whose decisions the page shows.
    pub fn set_draft(&mut self, question: Option<Question>) {
        if self.lens.as_ref().map(|lens| &lens.question) == question.as_ref() {
            return;
        }
        self.lens = question.and_then(|question| {
            let comparison = Comparison::new(&question.before, &question.after).ok()?;
            Some(DraftLens {
                question,
                comparison,
            })
        });
    }

    /// Sets the sequence number at which the visible events end.
    pub fn set_end(&mut self, end: Option<u64>) {
        self.end = end;
    }

    /// Sets the reason why accepted events stay queued.
    pub fn set_queued(&mut self, queued: Option<QueueReason>) {
        self.queued = queued;
    }

    /// Continues the search, for at most `BUDGET`.
    pub fn search(&mut self) {
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

    /// The page of `rows` rows that begins `shift` rows below `anchor` (above, if negative).
    pub fn page(
        &mut self,
        anchor: Anchor,
        shift: i64,
        rows: usize,
        bookmarks: &BTreeSet<u64>,
    ) -> Page {
        let ring = self.ring.lock();
        let first = ring.first();
        let end = self
            .end
            .unwrap_or(u64::MAX)
            .clamp(first, ring.end().max(first));
        let total = end - first;
        let is_complete = self.find.is_none() || (self.seen_from <= first && self.seen_to >= end);
        let matched = match &self.find {
            Some(_) => self.matches.partition_point(|m| *m < end) as u64,
            None => total,
        };
        let mut page = Page {
            total,
            end,
            matched,
            complete: is_complete,
            ..Page::default()
        };
        let index = self.index_of(anchor, first..end);
        let Some(index) = index.filter(|_| matched > 0) else {
            return page;
        };
        let lowest = (rows as u64).min(matched).saturating_sub(1);
        let index = index
            .saturating_add_signed(-shift)
            .clamp(lowest, matched - 1);
        let at = |index: u64| match &self.find {
            Some(_) => self.matches.get(index as usize).copied(),
            None => Some(first + index),
        };
        let indices = (0..rows as u64).map_while(|n| index.checked_sub(n));
        let lens = &mut self.lens;
        let records: Vec<Record> = indices
            .filter_map(|index| ring.get(at(index)?).cloned())
            .collect();
        // Conditions are evaluated without the lock: events keep arriving meanwhile.
        drop(ring);
        page.rows = records
            .iter()
            .map(|record| Row {
                is_marked: bookmarks.contains(&record.sequence),
                ..match lens {
                    Some(lens) => lens.row(record, self.queued),
                    None => row(record, self.queued),
                }
            })
            .collect();
        page.above = matched - 1 - index;
        page.bar = self.bar(&page, rows, first..end, bookmarks);
        page
    }

    /// The index of the anchor among the matching events, counted from the oldest; `ring` are the
    /// sequence numbers in the ring.
    fn index_of(&self, anchor: Anchor, ring: Range<u64>) -> Option<u64> {
        match (anchor, &self.find) {
            (Anchor::Newest, Some(_)) => {
                let shown = self.matches.partition_point(|m| *m < ring.end) as u64;
                shown.checked_sub(1)
            }
            (Anchor::Newest, None) => (ring.end - ring.start).checked_sub(1),
            (Anchor::At(sequence), Some(_)) => {
                let older = self.matches.partition_point(|m| *m <= sequence) as u64;
                Some(older.saturating_sub(1))
            }
            (Anchor::At(sequence), None) => {
                let last = ring.end.saturating_sub(1).max(ring.start);
                Some(sequence.clamp(ring.start, last) - ring.start)
            }
        }
    }

    /// The overview of the ring beside the rows of a page.
    fn bar(
        &self,
        page: &Page,
        rows: usize,
        ring: Range<u64>,
        bookmarks: &BTreeSet<u64>,
    ) -> Vec<BarSegment> {
        let mut bar = vec![BarSegment::default(); rows];
        let total = ring.end - ring.start;
        // The newest is on top.
        let segment =
            |sequence: u64| ((ring.end - 1 - sequence) * rows as u64 / total.max(1)) as usize;
        let shown = page.rows.first().zip(page.rows.last());
        if let Some((newest, oldest)) = shown.filter(|_| total > rows as u64) {
            let segments = segment(newest.sequence)..=segment(oldest.sequence);
            bar[segments].iter_mut().for_each(|s| s.is_shown = true);
        }
        let is_here = |sequence: &&u64| ring.contains(*sequence);
        // The pane may have no rows.
        for sequence in self.matches.iter().filter(is_here) {
            if let Some(segment) = bar.get_mut(segment(*sequence)) {
                segment.is_found = true;
            }
        }
        for sequence in bookmarks.iter().filter(is_here) {
            if let Some(segment) = bar.get_mut(segment(*sequence)) {
                segment.is_marked = true;
            }
        }
        bar
    }

    /// The record with a sequence number.
    pub fn record(&self, sequence: u64) -> Option<Record> {
        self.ring.lock().get(sequence).cloned()
    }

    /// Finds the target of a jump that begins at `from`. With a search, only among its matches.
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

impl DraftLens {
    /// The row of a record. If the draft changes its decision, that replaces the outcome.
    fn row(&mut self, record: &Record, queued: Option<QueueReason>) -> Row {
        let plain = row(record, queued);
        let Some(seen) = preview_input(record) else {
            return plain;
        };
        let (before, after) = self.comparison.decide(&seen, self.question.send_users);
        match (before, after) {
            (Some(by), None) if !seen.is_rejected => Row {
                sign: Sign::OnItsWay,
                severity: Severity::Good,
                outcome: format!("would pass; now {by}"),
                ..plain
            },
            (None, Some(by)) if !seen.is_rejected => Row {
                sign: Sign::Filtered,
                severity: Severity::Warn,
                outcome: format!("would be filtered out: {by}"),
                ..plain
            },
            _ => plain,
        }
    }
}

#[cfg(test)]
mod tests;
