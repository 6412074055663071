//! Searches the ring, and makes the page of visible events.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use crate::filter::preview::Comparison;
use crate::privacy::mask::Privacy;
use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::events::columns::state::{ChosenColumn, has_titles};
use crate::tui::events::find::Find;
use crate::tui::events::list::EventList;
use crate::tui::events::outcome::Severity;
use crate::tui::events::page::{Anchor, BarSegment, Page, Row, row};
use crate::tui::events::scan::Scan;
use crate::tui::events::seek::{Direction, Seek};
use crate::tui::filters::preview::query::{Question, preview_input};
use crate::tui::range::time_range::TimeRange;
use crate::tui::widget::theme::Sign;

/// A list with a search, and its progress.
#[derive(Debug)]
pub struct Finder {
    ring: SharedRing,
    scan: Scan,
    /// Whether the whole list is shown, and the matches of the search are marked in it.
    in_context: bool,
    /// The draft whose decisions the page shows.
    lens: Option<DraftLens>,
    /// The sequence number at which the visible events end, while the display is frozen.
    end: Option<u64>,
    /// The reason why accepted events stay queued.
    queued: Option<QueueReason>,
    /// The columns of the page whose values it has to find.
    columns: Vec<ChosenColumn>,
    /// The mask of their values.
    privacy: Option<Privacy>,
}

#[derive(Debug)]
struct DraftLens {
    question: Question,
    comparison: Comparison,
}

impl Finder {
    /// A finder of all events, without a search.
    pub fn new(ring: SharedRing) -> Self {
        Self {
            ring,
            scan: Scan::new(),
            in_context: false,
            lens: None,
            end: None,
            queued: None,
            columns: Vec::new(),
            privacy: None,
        }
    }

    /// Sets the list and the search. With `in_context` the page shows the whole list, with the
    /// matches marked.
    pub fn set(&mut self, list: &EventList, find: Option<&Find>, in_context: bool) {
        self.scan.set(list, find, &self.ring);
        self.in_context = in_context;
    }

    /// Sets the range of time that the page is limited to.
    pub fn set_range(&mut self, range: Option<TimeRange>) {
        self.scan.set_range(range, &self.ring);
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

    /// Sets the columns of the page, and the mask of their values.
    pub fn set_columns(&mut self, columns: Vec<ChosenColumn>, privacy: Option<Privacy>) {
        self.columns = if has_titles(&columns) {
            columns
        } else {
            Vec::new()
        };
        self.privacy = privacy;
    }

    /// The values of the columns for a record.
    fn cells(&self, record: &Record) -> Vec<String> {
        let columns = self.columns.iter();
        columns
            .map(|chosen| chosen.column.value(record, self.privacy))
            .collect()
    }

    /// Continues the scan of the ring, for a part of a frame's time.
    pub fn search(&mut self) {
        self.scan.advance(&self.ring);
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
        let shown = self.scan.shown(self.in_context);
        // While the display is frozen, later events are left out.
        let before_end = |found: &VecDeque<u64>| found.partition_point(|n| *n < end) as u64;
        let count = shown.map_or(total, before_end);
        let mut page = Page {
            total,
            end,
            listed: self.scan.members().map_or(total, before_end),
            matched: match self.scan.find() {
                Some(_) => before_end(self.scan.matches()),
                None => count,
            },
            shown: count,
            complete: self.scan.is_complete(&(first..end)),
            ..Page::default()
        };
        let index = index_of(anchor, shown, first..end);
        let Some(index) = index.filter(|_| count > 0) else {
            return page;
        };
        let lowest = (rows as u64).min(count).saturating_sub(1);
        let index = index.saturating_add_signed(-shift).clamp(lowest, count - 1);
        let at = |index: u64| match shown {
            Some(shown) => shown.get(index as usize).copied(),
            None => Some(first + index),
        };
        let indices = (0..rows as u64).map_while(|n| index.checked_sub(n));
        let records: Vec<Record> = indices
            .filter_map(|index| ring.get(at(index)?).cloned())
            .collect();
        // Conditions are evaluated without the lock: events keep arriving meanwhile.
        drop(ring);
        let marks_matches = self.in_context;
        let mut lens = self.lens.take();
        page.rows = records
            .iter()
            .map(|record| Row {
                is_marked: bookmarks.contains(&record.sequence),
                is_match: marks_matches && self.scan.is_match(record.sequence),
                cells: self.cells(record),
                ..match &mut lens {
                    Some(lens) => lens.row(record, self.queued),
                    None => row(record, self.queued),
                }
            })
            .collect();
        self.lens = lens;
        page.above = count - 1 - index;
        page.bar = self.bar(&page, rows, first..end, bookmarks);
        page
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
        for sequence in self.scan.matches().iter().filter(is_here) {
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

    /// Finds the target of a jump that begins at `from`, among the events that are shown.
    pub fn seek(&self, seek: Seek, from: Option<u64>) -> Option<u64> {
        let shown = self.scan.shown(self.in_context);
        let is_it = |record: &Record| {
            let sequence = record.sequence;
            let is_shown = shown.is_none_or(|shown| shown.binary_search(&sequence).is_ok());
            is_shown
                && match seek {
                    Seek::Next(_) if self.scan.find().is_some() => self.scan.is_match(sequence),
                    seek => seek.is(record),
                }
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

/// The index of the anchor among the events that are shown, counted from the oldest; `ring` are the
/// sequence numbers in the ring, which are all shown if `shown` is none.
fn index_of(anchor: Anchor, shown: Option<&VecDeque<u64>>, ring: Range<u64>) -> Option<u64> {
    match (anchor, shown) {
        (Anchor::Newest, Some(shown)) => {
            let shown = shown.partition_point(|m| *m < ring.end) as u64;
            shown.checked_sub(1)
        }
        (Anchor::Newest, None) => (ring.end - ring.start).checked_sub(1),
        (Anchor::At(sequence), Some(shown)) => {
            let older = shown.partition_point(|m| *m <= sequence) as u64;
            Some(older.saturating_sub(1))
        }
        (Anchor::At(sequence), None) => {
            let last = ring.end.saturating_sub(1).max(ring.start);
            Some(sequence.clamp(ring.start, last) - ring.start)
        }
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
