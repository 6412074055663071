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
use crate::tui::events::seek::{Seek, Way};
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
        let rows: Vec<Row> = places
            .filter_map(|place| ring.get(at(place)?))
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
            (_, Some(from)) => match seek.way() {
                Way::Newer => ring.from(from + 1).find(|record| is_it(record)),
                Way::Older => {
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
        let (before, after) = self.comparison.ask(&seen, self.question.send_users);
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
mod tests {
    use super::*;
    use crate::filter::Decision;
    use crate::protocol::Outcome;
    use crate::protocol::tests_support::record;

    fn ring_of(count: u64) -> SharedRing {
        let ring = SharedRing::new(1 << 20);
        let of_ten = |sequence: u64| {
            let text = format!(
                r#"{{"event_type":"Type {}","user_id":"u-{sequence}"}}"#,
                sequence % 10
            );
            record(sequence, &text, Decision::Accepted, Outcome::OnItsWay)
        };
        ring.lock().extend((1..=count).map(of_ten));
        ring
    }

    fn page(finder: &mut Finder, anchor: Anchor, shift: i64, room: usize) -> Page {
        finder.page(anchor, shift, room, &BTreeSet::new())
    }

    fn sequences(page: &Page) -> Vec<u64> {
        page.rows.iter().map(|r| r.sequence).collect()
    }

    #[test]
    fn pages_go_from_new_to_old_and_stop_at_both_ends() {
        let mut finder = Finder::new(ring_of(10));
        assert_eq!(
            sequences(&page(&mut finder, Anchor::Newest, 0, 3)),
            [10, 9, 8]
        );
        assert_eq!(
            sequences(&page(&mut finder, Anchor::At(8), 2, 3)),
            [6, 5, 4]
        );
        assert_eq!(
            sequences(&page(&mut finder, Anchor::At(8), -9, 3)),
            [10, 9, 8]
        );
        assert_eq!(
            sequences(&page(&mut finder, Anchor::At(2), 5, 3)),
            [3, 2, 1]
        );
        assert_eq!(page(&mut finder, Anchor::At(8), 0, 3).above, 2);
        assert_eq!(
            page(&mut Finder::new(ring_of(0)), Anchor::At(5), 1, 3).rows,
            []
        );
    }

    #[test]
    fn a_page_without_room_for_a_row_has_none() {
        let mut finder = Finder::new(ring_of(10));
        let find = Find::parse("type 3").unwrap();
        finder.look_for(Some(&find));
        finder.work();
        let page = finder.page(Anchor::Newest, 0, 0, &BTreeSet::from([3, 4]));
        assert!(page.rows.is_empty() && page.bar.is_empty());
    }

    #[test]
    fn the_same_words_as_text_and_as_a_condition_find_different_events() {
        let ring = ring_of(5);
        let text = r#"{"event_type":"Type 1","device_id":"has_user"}"#;
        let stranger = record(6, text, Decision::Accepted, Outcome::OnItsWay);
        ring.lock().extend([stranger]);
        let mut finder = Finder::new(ring);
        let mut found = |find: Option<Find>| {
            finder.look_for(find.as_ref());
            finder.work();
            sequences(&page(&mut finder, Anchor::Newest, 0, 9))
        };
        assert_eq!(found(Find::parse("has_user")), [6]);
        assert_eq!(found(Find::condition("has_user")), [5, 4, 3, 2, 1]);
        assert_eq!(found(Find::parse("has_user")), [6]);
        assert_ne!(Find::parse("has_user"), Find::condition("has_user"));
    }

    #[test]
    fn a_find_sees_what_is_there_and_what_comes() {
        let ring = ring_of(1_000);
        let mut finder = Finder::new(ring.clone());
        let find = Find::parse("TYPE 3").unwrap();
        finder.look_for(Some(&find));
        while !page(&mut finder, Anchor::Newest, 0, 2).complete {
            finder.work();
        }
        let newest = page(&mut finder, Anchor::Newest, 0, 2);
        assert_eq!((sequences(&newest), newest.matched), (vec![993, 983], 100));
        // The bar is as long as the page: each of its halves has some.
        let found: Vec<bool> = newest.bar.iter().map(|part| part.is_found).collect();
        assert_eq!(found, [true, true]);
        assert!(newest.bar[0].is_shown && !newest.bar[1].is_shown);
        let one = Find::parse(r#"user_id == "u-77""#).unwrap();
        assert!(one.is_condition());
        finder.look_for(Some(&one));
        while !page(&mut finder, Anchor::Newest, 0, 2).complete {
            finder.work();
        }
        assert_eq!(sequences(&page(&mut finder, Anchor::Newest, 0, 2)), [77]);
        let odd = Find::parse("~Type [13]\"").unwrap();
        assert_eq!(odd.kind(), "regular expression");
        finder.look_for(Some(&odd));
        while !page(&mut finder, Anchor::Newest, 0, 2).complete {
            finder.work();
        }
        assert_eq!(page(&mut finder, Anchor::Newest, 0, 2).matched, 200);
        let wrong = Find::parse("~a(").unwrap();
        assert_eq!(wrong.kind(), "no regular expression: unclosed group");
        assert!(Find::parse("~ ").is_none());
        assert!(Find::parse("  ").is_none());
        assert!(!Find::parse("price == ").unwrap().is_condition());
    }

    #[test]
    fn an_event_is_sought_among_what_is_shown() {
        let ring = ring_of(100);
        for sequence in [20, 40, 60] {
            ring.lock().update(sequence, |story| {
                story.outcome = Outcome::Waiting { next_ms: 1 };
            });
        }
        let mut finder = Finder::new(ring);
        let older = Seek::Failure(Way::Older);
        let newer = Seek::Failure(Way::Newer);
        assert_eq!(finder.seek(older, None), Some(60));
        assert_eq!(finder.seek(older, Some(60)), Some(40));
        assert_eq!(finder.seek(newer, Some(40)), Some(60));
        assert_eq!(finder.seek(newer, Some(60)), None);
        assert_eq!(finder.seek(Seek::Violation(Way::Older), None), None);
        // Records are received a second apart.
        assert_eq!(finder.seek(Seek::Time(50_500), None), Some(50));
        assert_eq!(finder.seek(Seek::Time(500), None), None);
        finder.look_for(Find::parse("u-40").as_ref());
        finder.work();
        assert_eq!(finder.seek(older, None), Some(40));
        assert_eq!(finder.seek(newer, Some(40)), None);
        let marks = [40].into();
        let found = finder.page(Anchor::Newest, 0, 5, &marks);
        assert!(found.rows[0].is_marked && found.bar[3].is_marked);
    }
}
