//! What a draft of the filters would change, measured on the events that came by.
//!
//! Both sets of filters are asked about each event, newest first; a condition that both have is
//! evaluated once. Whether the gate is open plays no part: a preview tells what the *filters* do.

use std::hash::{BuildHasher as _, BuildHasherDefault};
use std::sync::Arc;
use std::time::Duration;

use cel::Context;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Reading};

use super::expression::{Condition, Evaluation, Variables};
use super::gate::{self, BlockedBy, Filters, RuleError, RuleTally};

/// A preview is made on so many threads at the most.
const THREADS: usize = 4;
/// Fewer events than these are not worth a thread of their own.
const SHARE: usize = 512;
/// So many examples are kept of what would change, of each kind.
const EXAMPLES: usize = 10;

/// An event that came by.
#[derive(Debug, Clone)]
pub struct PreviewEvent {
    /// Its number in this run.
    pub sequence: u64,
    /// The event.
    pub event: Event,
    /// Its type.
    pub event_type: Arc<str>,
    /// Whether it breaks a limit that rejects: then it passes under no filters.
    pub is_rejected: bool,
}

/// When a batch of events becomes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// When its oldest event has waited this long.
    pub age: Duration,
    /// When it has this size, in bytes.
    pub bytes: usize,
}

/// What a draft would change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preview {
    /// Events that were looked at, the newest.
    pub events: u64,
    /// How many there are to look at.
    pub of: u64,
    /// From the oldest of those that were looked at to the newest, in milliseconds.
    pub span_ms: i64,
    /// What passes the filters in force.
    pub before: Passing,
    /// What would pass the draft.
    pub after: Passing,
    /// What would pass now, and did not before.
    pub newly_passing: ChangedEvents,
    /// What would be held back now, and was not before.
    pub newly_filtered_out: ChangedEvents,
    /// What each rule of the draft does, in their order.
    pub rules: Vec<RuleTally>,
}

/// What passes some filters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passing {
    /// Events.
    pub events: u64,
    /// The persons that they are about.
    pub persons: u64,
    /// The requests that they make up, about: an event counts with the size that it came in.
    pub requests: u64,
}

/// Events that one set of filters lets through and the other doesn't.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangedEvents {
    /// How many.
    pub events: u64,
    /// Their types, the most frequent first.
    pub types: Vec<(Arc<str>, u64)>,
    /// The newest of them.
    pub examples: Vec<Example>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Its number in this run.
    pub sequence: u64,
    /// When it was received.
    pub received_ms: UnixMs,
    /// Its type.
    pub event_type: Arc<str>,
    /// Its `user_id`, or its `device_id`.
    pub person: String,
    /// What holds it back: before, or now.
    pub by: BlockedBy,
}

impl Preview {
    /// So many in the time of the preview, a second. None where that time is too short to tell.
    pub fn per_second(&self, count: u64) -> Option<f64> {
        (self.span_ms >= 1_000).then(|| count as f64 * 1_000.0 / self.span_ms as f64)
    }

    /// Whether all events were looked at.
    pub fn is_whole(&self) -> bool {
        self.events >= self.of
    }
}

/// Two sets of filters, ready to be asked about events.
#[derive(Debug, Clone)]
pub struct Comparison {
    before: Side,
    after: Side,
    /// The conditions of both, each once.
    conditions: Arc<[Condition]>,
    /// What each of them said of the event at hand, where it was asked.
    said: Vec<Option<Said>>,
}

#[derive(Debug, Clone)]
struct Side {
    filters: Filters,
    /// The condition of each rule.
    conditions: Vec<usize>,
    tallies: Vec<RuleTally>,
}

/// What holds an event back in force, and in the draft.
type Decided = (Option<BlockedBy>, Option<BlockedBy>);

/// What a condition said of an event.
#[derive(Debug, Clone)]
enum Said {
    Matches,
    DoesNot,
    Failed(Arc<str>),
}

impl Comparison {
    /// Compiles both; an error names the rule that can't be taken.
    pub fn new(before: &Filters, after: &Filters) -> Result<Self, RuleError> {
        let mut conditions = Vec::new();
        let mut side = |filters: &Filters| {
            let mut places = Vec::with_capacity(filters.rules.len());
            for rule in &filters.rules {
                let known = |c: &Condition| c.source() == rule.when;
                let place = match conditions.iter().position(known) {
                    Some(place) => place,
                    None => {
                        conditions.push(gate::compile(rule)?);
                        conditions.len() - 1
                    }
                };
                places.push(place);
            }
            Ok(Side {
                filters: filters.clone(),
                tallies: vec![RuleTally::default(); places.len()],
                conditions: places,
            })
        };
        let (before, after) = (side(before)?, side(after)?);
        Ok(Self {
            before,
            after,
            said: vec![None; conditions.len()],
            conditions: conditions.into(),
        })
    }

    /// What holds the event back in force, and in the draft.
    pub fn decide(&mut self, seen: &PreviewEvent, send_users: bool) -> Decided {
        let reading = Reading::new(&seen.event);
        let variables = Variables::new(&reading);
        self.said.fill(None);
        let mut asked = Asked {
            conditions: &self.conditions,
            said: &mut self.said,
            variables: &variables,
            context: None,
        };
        let before = self.before.against(seen, send_users, &mut asked);
        let after = self.after.against(seen, send_users, &mut asked);
        (before, after)
    }
}

/// The conditions, and what they say of one event.
struct Asked<'a, 'v> {
    conditions: &'a [Condition],
    said: &'a mut [Option<Said>],
    variables: &'v Variables<'v, 'v>,
    /// Made when the first condition is asked: most events are decided by their type.
    context: Option<Context<'v, 'v>>,
}

impl Asked<'_, '_> {
    fn what(&mut self, place: usize) -> &Said {
        let context = self.context.get_or_insert_with(|| self.variables.context());
        self.said[place].get_or_insert_with(|| match self.conditions[place].evaluate(context) {
            Evaluation::True => Said::Matches,
            Evaluation::False => Said::DoesNot,
            Evaluation::Error(why) => Said::Failed(why.into()),
        })
    }
}

impl Side {
    fn against(
        &mut self,
        seen: &PreviewEvent,
        send_users: bool,
        asked: &mut Asked<'_, '_>,
    ) -> Option<BlockedBy> {
        let by_type = self.filters.type_against(&seen.event_type, send_users);
        if by_type.is_some() {
            return by_type;
        }
        let tallies = &mut self.tallies;
        let index = self.filters.rule_against(&seen.event, |index| {
            let tally = &mut tallies[index];
            tally.reached += 1;
            match asked.what(self.conditions[index]) {
                Said::Matches => {
                    tally.matched += 1;
                    true
                }
                Said::DoesNot => false,
                Said::Failed(why) => {
                    tally.errors += 1;
                    tally.last_error.get_or_insert_with(|| why.to_string());
                    false
                }
            }
        })?;
        tallies[index].filtered_out += 1;
        Some(BlockedBy::Rule {
            number: index as u16 + 1,
            name: self.filters.rules[index].name.as_str().into(),
        })
    }
}

/// A preview that is being made: events are shown to it, newest first.
#[derive(Debug)]
pub struct PreviewBuilder {
    /// One for each thread.
    comparisons: Vec<Comparison>,
    batching: Batching,
    send_users: bool,
    of: u64,
    events: u64,
    newest_ms: Option<UnixMs>,
    oldest_ms: UnixMs,
    before: Tally,
    after: Tally,
    newly_passing: Moving,
    newly_filtered_out: Moving,
}

#[derive(Debug, Default)]
struct Tally {
    events: u64,
    persons: FxHashSet<u64>,
    requests: u64,
    /// Of the request that is being filled: the time of its newest event, and its size.
    batch: Option<(UnixMs, usize)>,
}

#[derive(Debug, Default)]
struct Moving {
    events: u64,
    types: FxHashMap<Arc<str>, u64>,
    examples: Vec<Example>,
}

impl PreviewBuilder {
    /// A preview on `of` events.
    pub fn new(comparison: Comparison, batching: Batching, send_users: bool, of: u64) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(THREADS));
        Self {
            comparisons: vec![comparison; threads],
            batching,
            send_users,
            of,
            events: 0,
            newest_ms: None,
            oldest_ms: 0,
            before: Tally::default(),
            after: Tally::default(),
            newly_passing: Moving::default(),
            newly_filtered_out: Moving::default(),
        }
    }

    /// Looks at the next older events, newest first.
    pub fn add(&mut self, seen: &[PreviewEvent]) {
        let share = seen.len().div_ceil(self.comparisons.len()).max(SHARE);
        let send_users = self.send_users;
        let ask = |(part, comparison): (&[PreviewEvent], &mut Comparison)| -> Vec<Decided> {
            let asked = part.iter().map(|seen| comparison.decide(seen, send_users));
            asked.collect()
        };
        let mut parts = seen.chunks(share).zip(&mut self.comparisons);
        let first = parts.next();
        let decided: Vec<Decided> = std::thread::scope(|scope| {
            let others: Vec<_> = parts.map(|part| scope.spawn(|| ask(part))).collect();
            let mut decided = first.map(ask).unwrap_or_default();
            for other in others {
                match other.join() {
                    Ok(more) => decided.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            decided
        });
        for (seen, (before, after)) in seen.iter().zip(decided) {
            self.take(seen, before, after);
        }
    }

    fn take(&mut self, seen: &PreviewEvent, before: Option<BlockedBy>, after: Option<BlockedBy>) {
        let received_ms = seen.event.received_ms();
        self.events += 1;
        self.newest_ms.get_or_insert(received_ms);
        self.oldest_ms = received_ms;
        if seen.is_rejected {
            return;
        }
        for (by, tally) in [(&before, &mut self.before), (&after, &mut self.after)] {
            if by.is_none() {
                tally.add(&seen.event, self.batching);
            }
        }
        match (before, after) {
            (Some(by), None) => self.newly_passing.add(seen, by),
            (None, Some(by)) => self.newly_filtered_out.add(seen, by),
            _ => {}
        }
    }

    /// What it shows so far.
    pub fn preview(&self) -> Preview {
        Preview {
            events: self.events,
            // Of an old event may be asked that has left meanwhile.
            of: self.of.max(self.events),
            span_ms: self.newest_ms.map_or(0, |newest| newest - self.oldest_ms),
            before: self.before.passing(),
            after: self.after.passing(),
            newly_passing: self.newly_passing.moved(),
            newly_filtered_out: self.newly_filtered_out.moved(),
            rules: self.tallies(),
        }
    }

    /// What the rules of the draft did, on all threads.
    fn tallies(&self) -> Vec<RuleTally> {
        let mut sums = vec![RuleTally::default(); self.comparisons[0].after.tallies.len()];
        for comparison in &self.comparisons {
            for (sum, tally) in sums.iter_mut().zip(&comparison.after.tallies) {
                sum.reached += tally.reached;
                sum.matched += tally.matched;
                sum.filtered_out += tally.filtered_out;
                sum.errors += tally.errors;
                sum.last_error = sum.last_error.take().or_else(|| tally.last_error.clone());
            }
        }
        sums
    }

    /// There are no older events.
    pub fn finish(&mut self) {
        self.of = self.events;
    }
}

/// Counts, the highest first; those that are equal in the order of what they count, so that
/// none of them jumps.
pub fn most_first<T: Ord>(counts: impl IntoIterator<Item = (T, u64)>) -> Vec<(T, u64)> {
    let mut counts: Vec<(T, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

impl Tally {
    fn add(&mut self, event: &Event, batching: Batching) {
        self.events += 1;
        if let Some(person) = event.user_id().or_else(|| event.device_id()) {
            let hash = BuildHasherDefault::<FxHasher>::default().hash_one(&*person);
            self.persons.insert(hash);
        }
        let (at, size) = (event.received_ms(), event.size_bytes());
        let age = i64::try_from(batching.age.as_millis()).unwrap_or(i64::MAX);
        match &mut self.batch {
            Some((newest, bytes)) if *newest - at <= age && *bytes + size <= batching.bytes => {
                *bytes += size;
            }
            batch => {
                *batch = Some((at, size));
                self.requests += 1;
            }
        }
    }

    fn passing(&self) -> Passing {
        Passing {
            events: self.events,
            persons: self.persons.len() as u64,
            requests: self.requests,
        }
    }
}

impl Moving {
    fn add(&mut self, seen: &PreviewEvent, by: BlockedBy) {
        self.events += 1;
        *self.types.entry(seen.event_type.clone()).or_default() += 1;
        if self.examples.len() < EXAMPLES {
            let event = &seen.event;
            let person = event.user_id().or_else(|| event.device_id());
            self.examples.push(Example {
                sequence: seen.sequence,
                received_ms: event.received_ms(),
                event_type: seen.event_type.clone(),
                person: person.unwrap_or_default().into_owned(),
                by,
            });
        }
    }

    fn moved(&self) -> ChangedEvents {
        let types = self.types.iter().map(|(t, n)| (t.clone(), *n));
        ChangedEvents {
            events: self.events,
            types: most_first(types),
            examples: self.examples.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::{event, event_at};
    use crate::filter::gate::{Gate, Mode, Rule, RuleEffect, Switch};

    const BATCHING: Batching = Batching {
        age: Duration::from_millis(100),
        bytes: 1_000_000,
    };

    fn seen(sequence: u64, text: &str) -> PreviewEvent {
        let event = event(text);
        let event_type = event.event_type().unwrap_or_default().into();
        PreviewEvent {
            sequence,
            event,
            event_type,
            is_rejected: false,
        }
    }

    fn some(count: u64) -> Vec<PreviewEvent> {
        let text = |n: u64| {
            format!(
                r#"{{"event_type":"Type {}","user_id":"u-{}","event_properties":{{"total":{}}}}}"#,
                n % 3,
                n % 7,
                n % 11
            )
        };
        (0..count).map(|n| seen(n, &text(n))).collect()
    }

    /// Events are given from old to new.
    fn preview(before: &Filters, after: &Filters, events: &[PreviewEvent]) -> Preview {
        let comparison = Comparison::new(before, after).unwrap();
        let mut previewing = PreviewBuilder::new(comparison, BATCHING, false, events.len() as u64);
        let newest_first: Vec<PreviewEvent> = events.iter().rev().cloned().collect();
        previewing.add(&newest_first);
        previewing.preview()
    }

    fn filters() -> (Filters, Filters) {
        let large = "event_properties.total > 5";
        let before = Filters {
            rules: vec![
                Rule::new("large", RuleEffect::Exclude, large),
                Rule::new("fails", RuleEffect::Exclude, "event_type > 3"),
            ],
            ..Filters::default()
        };
        let mut sampled = Rule::new("half", RuleEffect::Exclude, "true");
        sampled.sample = 50.0;
        let after = Filters {
            types: [("Type 1".to_owned(), Switch::Off)].into(),
            rules: vec![
                Rule::new("some", RuleEffect::Include, "event_properties.total > 2"),
                Rule::new("large under another name", RuleEffect::Exclude, large),
                sampled,
            ],
            ..Filters::default()
        };
        (before, after)
    }

    #[test]
    fn a_preview_decides_as_the_gates_would() {
        let (before, after) = filters();
        let gates = [&before, &after].map(|f| Gate::new(Mode::Open, f.clone()).unwrap());
        let mut comparison = Comparison::new(&before, &after).unwrap();
        for seen in some(500) {
            let reading = Reading::new(&seen.event);
            let by = |gate: &Gate| gate.blocked_by(&reading, &seen.event_type, false);
            let expected = (by(&gates[0]), by(&gates[1]));
            assert_eq!(comparison.decide(&seen, false), expected, "{seen:?}");
        }
        let mut tallies = gates[1].tallies();
        // A draft's rules are not timed.
        for tally in &mut tallies {
            (tally.timed, tally.timed_ns) = (0, 0);
        }
        assert!(tallies.iter().all(|t| t.filtered_out > 0), "{tallies:?}");
        assert_eq!(comparison.after.tallies, tallies);
        assert_eq!(
            comparison.before.tallies[1].errors,
            gates[0].tallies()[1].errors
        );
        assert_eq!(comparison.conditions.len(), 4, "one is in both");
    }

    #[test]
    fn on_many_threads_it_shows_what_it_shows_on_one() {
        let (before, after) = filters();
        let events = some(5_000);
        let comparison = Comparison::new(&before, &after).unwrap();
        let mut one_by_one = PreviewBuilder::new(comparison, BATCHING, false, 5_000);
        for seen in events.iter().rev() {
            one_by_one.add(std::slice::from_ref(seen));
        }
        assert_eq!(preview(&before, &after, &events), one_by_one.preview());
    }

    #[test]
    fn what_moves_is_counted_by_type_with_the_newest_as_examples() {
        let before = Filters {
            types: [("Type 2".to_owned(), Switch::Off)].into(),
            ..Filters::default()
        };
        let mut after = Filters::default();
        after.types.insert("Type 0".to_owned(), Switch::Off);
        let shown = preview(&before, &after, &some(60));
        assert_eq!((shown.events, shown.is_whole()), (60, true));
        assert_eq!((shown.before.events, shown.after.events), (40, 40));
        assert_eq!((shown.before.persons, shown.after.persons), (7, 7));
        let moved = &shown.newly_filtered_out;
        assert_eq!(moved.types, [("Type 0".into(), 20)]);
        assert_eq!(moved.examples.len(), EXAMPLES);
        assert_eq!(moved.examples[0].sequence, 57);
        assert_eq!(moved.examples[0].by, BlockedBy::Type);
        assert_eq!(shown.newly_passing.types, [("Type 2".into(), 20)]);
    }

    #[test]
    fn what_a_limit_rejects_passes_under_no_filters() {
        let mut rejected = seen(1, r#"{"event_type":"A"}"#);
        rejected.is_rejected = true;
        let mut off = Filters::default();
        off.types.insert("A".to_owned(), Switch::Off);
        let shown = preview(&off, &Filters::default(), &[rejected]);
        assert_eq!((shown.events, shown.after.events), (1, 0));
        assert_eq!(shown.newly_passing, ChangedEvents::default());
    }

    #[test]
    fn requests_are_those_of_full_batches_and_of_old_ones() {
        let at = |ms: i64| {
            let text = r#"{"event_type":"A","user_id":"u"}"#;
            let event = event_at(text, ms);
            PreviewEvent {
                event,
                ..seen(1, text)
            }
        };
        let size = at(0).event.size_bytes();
        let requests = |times: &[i64], bytes| {
            let events: Vec<PreviewEvent> = times.iter().map(|ms| at(*ms)).collect();
            let all = Filters::default();
            let comparison = Comparison::new(&all, &all).unwrap();
            let batching = Batching { bytes, ..BATCHING };
            let mut previewing = PreviewBuilder::new(comparison, batching, false, 0);
            let newest_first: Vec<PreviewEvent> = events.into_iter().rev().collect();
            previewing.add(&newest_first);
            previewing.preview().after.requests
        };
        assert_eq!(requests(&[0, 50, 100, 101, 500], 10_000), 3);
        assert_eq!(requests(&[0; 10], 3 * size), 4);
    }
}
