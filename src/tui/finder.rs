//! Finding events in the ring, and the page of them that is shown.
//!
//! The ring is searched a few thousand events at a time, newest first, so that the screen
//! answers while a long search goes on; what comes in meanwhile is searched as it comes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use regex::{Regex, RegexBuilder};

use crate::amplitude::{Reading, time};
use crate::filter::expression::{Variables, Verdict};
use crate::filter::preview::Comparison;
use crate::filter::{Condition, Decision};
use crate::limits::{
    Policy, Unit, {self},
};
use crate::protocol::{Content, Outcome, Record};
use crate::telemetry::ring::SharedRing;
use crate::tui::previewer::{
    Question, {self},
};
use crate::tui::seek::{Seek, Way};
use crate::tui::theme::Sign;

/// So long may a search take of one frame of the screen.
const BUDGET: Duration = Duration::from_millis(8);
/// So many events are taken out of the ring at once.
const CHUNK: usize = 256;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Find {
    /// As it was typed.
    pub text: String,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    Text(Regex),
    Expression(Regex),
    Condition(Arc<Condition>),
    /// What is no regular expression matches nothing.
    Nothing(String),
}

/// The same text can be looked for as text, and as a condition.
impl PartialEq for Find {
    fn eq(&self, other: &Self) -> bool {
        let taken_as = |find: &Self| std::mem::discriminant(&find.matcher);
        self.text == other.text && taken_as(self) == taken_as(other)
    }
}

impl Find {
    /// Reads what was typed: behind a `~` a regular expression; a condition where it compiles as
    /// one and compares something; otherwise text that stands anywhere in the event, in upper or
    /// lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return None;
        }
        let whole = |matcher| {
            Some(Self {
                text: trimmed.to_owned(),
                matcher,
            })
        };
        if let Some(expression) = trimmed.strip_prefix('~') {
            let expression = expression.trim_start();
            if expression.is_empty() {
                return None;
            }
            return whole(match RegexBuilder::new(expression).build() {
                Ok(regex) => Matcher::Expression(regex),
                Err(error) => Matcher::Nothing(reason(&error)),
            });
        }
        let compares = trimmed.contains(['=', '<', '>', '(', '!']) || trimmed.contains(" in ");
        let condition = if compares {
            Condition::compile(trimmed).ok()
        } else {
            None
        };
        whole(match condition {
            Some(condition) => Matcher::Condition(Arc::new(condition)),
            None => {
                let literal = RegexBuilder::new(&regex::escape(trimmed))
                    .case_insensitive(true)
                    .build();
                Matcher::Text(literal.ok()?)
            }
        })
    }

    /// What meets a condition; none where it does not compile.
    pub fn condition(text: &str) -> Option<Self> {
        let condition = Condition::compile(text).ok()?;
        Some(Self {
            text: text.to_owned(),
            matcher: Matcher::Condition(Arc::new(condition)),
        })
    }

    /// Whether it was taken as a condition.
    pub fn is_condition(&self) -> bool {
        matches!(self.matcher, Matcher::Condition(_))
    }

    /// What it was taken as, or what is wrong with it.
    pub fn kind(&self) -> &str {
        match &self.matcher {
            Matcher::Text(_) => "text",
            Matcher::Expression(_) => "regular expression",
            Matcher::Condition(_) => "condition",
            Matcher::Nothing(why) => why,
        }
    }

    /// Whether the event is one that is looked for.
    pub fn matches(&self, record: &Record) -> bool {
        match (&self.matcher, record.event()) {
            (Matcher::Text(text) | Matcher::Expression(text), _) => text.is_match(record.text()),
            (Matcher::Condition(condition), Some(event)) => {
                let reading = Reading::new(event);
                condition.evaluate(&Variables::new(&reading).context()) == Verdict::True
            }
            (Matcher::Condition(_), None) | (Matcher::Nothing(_), _) => false,
        }
    }
}

/// Why it is no regular expression, in a line.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!(
        "no regular expression: {}",
        last.trim_start_matches("error: ")
    )
}

/// The rows that are shown, and what they are of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub rows: Vec<Row>,
    /// How many events there are.
    pub total: u64,
    /// How many of them match; all where nothing is looked for.
    pub matched: u64,
    /// Whether the search has seen all of them.
    pub complete: bool,
    /// How many matching events are newer than the first row.
    pub above: u64,
    /// The ring from its newest event to its oldest, in as many parts as there are rows.
    pub bar: Vec<Part>,
}

/// A part of the ring, beside the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// Whether rows that are shown are of it.
    pub is_shown: bool,
    /// Whether it has events that were found.
    pub is_found: bool,
    /// Whether it has events with a bookmark.
    pub is_marked: bool,
}

/// One event as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub sequence: u64,
    /// When it was received, by the clock: `12:04:31.204`.
    pub clock: String,
    /// Its sign.
    pub sign: Sign,
    /// Its type.
    pub event_type: Arc<str>,
    /// Whom it is about.
    pub person: String,
    /// Its size in bytes.
    pub bytes: usize,
    /// What became of it, in words.
    pub outcome: String,
    /// How much that matters.
    pub weight: Weight,
    /// Whether it has a bookmark.
    pub is_marked: bool,
}

/// How much an outcome matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It was held back on purpose.
    Quiet,
    /// It is on its way.
    Plain,
    /// It arrived.
    Good,
    /// It needs a look.
    Warn,
    /// It went wrong.
    Bad,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// With the newest.
    Newest,
    /// With this event, or the next older one.
    At(u64),
}

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
        let Some(seen) = previewer::seen(record) else {
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

fn row(record: &Record) -> Row {
    let (sign, weight, outcome) = told(record);
    let (event_type, person) = match &record.content {
        Content::Event { event, event_type } => {
            let id = event.user_id();
            // What is too long to be an ID is not one to read either.
            let person = match id {
                Some(id) if id.len() > crate::customerio::sizes::ID_BYTES => {
                    format!("({} B)", id.len())
                }
                Some(id) => id.chars().take(60).collect(),
                None => event
                    .device_id()
                    .map_or_else(|| "(nobody)".to_owned(), |_| "(anonymous)".to_owned()),
            };
            (event_type.clone(), person)
        }
        Content::Malformed { .. } => ("(malformed)".into(), String::new()),
    };
    Row {
        sequence: record.sequence,
        clock: time::to_clock(record.received_ms),
        sign,
        event_type,
        person,
        bytes: record.text().len(),
        outcome,
        weight,
        is_marked: false,
    }
}

/// An event's outcome: its sign, its weight, and its words.
pub fn told(record: &Record) -> (Sign, Weight, String) {
    let story = &record.story;
    if let Content::Malformed { malformed, .. } = &record.content {
        return (Sign::Malformed, Weight::Bad, malformed.to_string());
    }
    let warned = story.violations.iter().find(|v| v.policy == Policy::Warn);
    match (&story.decision, &story.outcome) {
        (Some(Decision::Filtered { by }), _) => (Sign::Filtered, Weight::Quiet, by.to_string()),
        (Some(Decision::Rejected { code }), _) => {
            let violation = story.violations.iter().find(|v| v.code == *code);
            (
                Sign::Rejected,
                Weight::Bad,
                violation.map_or_else(|| code.to_string(), measured),
            )
        }
        (_, Outcome::Undelivered { why, reason, field }) => {
            let field = if field.is_empty() {
                String::new()
            } else {
                format!("{field}: ")
            };
            (
                Sign::Rejected,
                Weight::Bad,
                format!("{why}: {field}{reason}"),
            )
        }
        (_, Outcome::Waiting { .. }) => {
            let last = story.attempts.last().map_or("", |a| a.answer.as_str());
            (
                Sign::Waiting,
                Weight::Warn,
                format!(
                    "attempt {} answered {last}, will retry",
                    story.attempts.len()
                ),
            )
        }
        (_, Outcome::Delivered { took_ms }) => match warned {
            Some(violation) => (
                Sign::Warned,
                Weight::Warn,
                format!("delivered {took_ms} ms, {}", violation.code),
            ),
            None => (
                Sign::Delivered,
                Weight::Good,
                format!("delivered {took_ms} ms"),
            ),
        },
        (_, Outcome::DryRun) => match warned {
            Some(violation) => (
                Sign::Warned,
                Weight::Warn,
                format!("dry run, {}", violation.code),
            ),
            None => (
                Sign::DryRun,
                Weight::Plain,
                "dry run: would be sent".to_owned(),
            ),
        },
        (_, Outcome::OnItsWay) => (Sign::OnItsWay, Weight::Plain, "on its way".to_owned()),
        (_, Outcome::NotSent) => (Sign::Filtered, Weight::Quiet, String::new()),
    }
}

/// A violation in a row: `id_too_long 160 > 150`.
pub fn measured(violation: &limits::Violation) -> String {
    let (measured, limit) = (violation.measured, violation.limit);
    match violation.unit {
        Unit::Bytes | Unit::Count => {
            format!(
                "{} {} > {}",
                violation.code,
                limits::grouped(measured),
                limits::grouped(limit)
            )
        }
        Unit::Ms => format!("{} {}", violation.code, limits::span(measured as i64)),
        Unit::None => violation.code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
