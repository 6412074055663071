//! Building a preview from recent events, newest first, on several threads.

use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher as _, BuildHasherDefault};
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use crate::amplitude::Event;
use crate::amplitude::time::UnixMs;
use crate::filter::decision::BlockedBy;
use crate::filter::rule_counts::RuleTally;

use super::comparison::{Comparison, Decisions, PreviewEvent};
use super::result::{ChangedEvents, Example, Passing, Preview, most_first};

/// Maximum threads of a preview.
const MAX_THREADS: usize = 4;
/// Minimum events per thread: starting a thread takes as long as deciding some hundred.
const MIN_EVENTS_PER_THREAD: usize = 512;
/// Maximum examples in each direction.
const MAX_EXAMPLES: usize = 10;

/// When a batch of events becomes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batching {
    /// Maximum age of its oldest event.
    pub age: Duration,
    /// Maximum size, in bytes.
    pub bytes: usize,
}

/// Builds a preview from events, newest first.
#[derive(Debug)]
pub struct PreviewBuilder {
    /// One per thread.
    comparisons: Vec<Comparison>,
    batching: Batching,
    send_users: bool,
    of: u64,
    events: u64,
    newest_ms: Option<UnixMs>,
    oldest_ms: UnixMs,
    before: PassingTally,
    after: PassingTally,
    newly_passing: ChangeTally,
    newly_filtered_out: ChangeTally,
}

/// Counts the events that pass one set of filters.
#[derive(Debug, Default)]
struct PassingTally {
    events: u64,
    persons: FxHashSet<u64>,
    requests: u64,
    /// The request that is being filled: the time of its newest event, and its size.
    batch: Option<(UnixMs, usize)>,
}

/// Counts the events for which the decision differs in one direction.
#[derive(Debug, Default)]
struct ChangeTally {
    events: u64,
    types: FxHashMap<Arc<str>, u64>,
    examples: Vec<Example>,
}

impl PreviewBuilder {
    /// Creates a builder for a preview on `of` events.
    pub fn new(comparison: Comparison, batching: Batching, send_users: bool, of: u64) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(MAX_THREADS));
        Self {
            comparisons: vec![comparison; threads],
            batching,
            send_users,
            of,
            events: 0,
            newest_ms: None,
            oldest_ms: 0,
            before: PassingTally::default(),
            after: PassingTally::default(),
            newly_passing: ChangeTally::default(),
            newly_filtered_out: ChangeTally::default(),
        }
    }

    /// Adds the next older events, newest first.
    pub fn add(&mut self, events: &[PreviewEvent]) {
        let decisions = self.decide(events);
        for (event, (before, after)) in events.iter().zip(decisions) {
            self.count(event, before, after);
        }
    }

    /// Decides `events` on several threads. Returns the decisions in the order of the events.
    fn decide(&mut self, events: &[PreviewEvent]) -> Vec<Decisions> {
        let size = events.len().div_ceil(self.comparisons.len());
        let size = size.max(MIN_EVENTS_PER_THREAD);
        let send_users = self.send_users;
        let decide = |(part, comparison): (&[PreviewEvent], &mut Comparison)| -> Vec<Decisions> {
            let decisions = part.iter().map(|one| comparison.decide(one, send_users));
            decisions.collect()
        };
        let mut parts = events.chunks(size).zip(&mut self.comparisons);
        let first = parts.next();
        std::thread::scope(|scope| {
            let others: Vec<_> = parts.map(|part| scope.spawn(|| decide(part))).collect();
            let mut decisions = first.map(decide).unwrap_or_default();
            for other in others {
                match other.join() {
                    Ok(more) => decisions.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            decisions
        })
    }

    fn count(&mut self, event: &PreviewEvent, before: Option<BlockedBy>, after: Option<BlockedBy>) {
        let received_ms = event.event.received_ms();
        self.events += 1;
        self.newest_ms.get_or_insert(received_ms);
        self.oldest_ms = received_ms;
        if event.is_rejected {
            return;
        }
        for (by, tally) in [(&before, &mut self.before), (&after, &mut self.after)] {
            if by.is_none() {
                tally.add(&event.event, self.batching);
            }
        }
        match (before, after) {
            (Some(by), None) => self.newly_passing.add(event, by),
            (None, Some(by)) => self.newly_filtered_out.add(event, by),
            _ => {}
        }
    }

    /// The preview so far.
    pub fn preview(&self) -> Preview {
        Preview {
            events: self.events,
            // Events may have arrived since `of` was counted.
            of: self.of.max(self.events),
            span_ms: self.newest_ms.map_or(0, |newest| newest - self.oldest_ms),
            before: self.before.result(),
            after: self.after.result(),
            newly_passing: self.newly_passing.result(),
            newly_filtered_out: self.newly_filtered_out.result(),
            rules: self.rule_tallies(),
        }
    }

    /// The counts of the draft's rules, summed over all threads.
    fn rule_tallies(&self) -> Vec<RuleTally> {
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

    /// Marks the preview as whole: there are no older events.
    pub fn finish(&mut self) {
        self.of = self.events;
    }
}

impl PassingTally {
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

    fn result(&self) -> Passing {
        Passing {
            events: self.events,
            persons: self.persons.len() as u64,
            requests: self.requests,
        }
    }
}

impl ChangeTally {
    fn add(&mut self, event: &PreviewEvent, by: BlockedBy) {
        self.events += 1;
        *self.types.entry(event.event_type.clone()).or_default() += 1;
        if self.examples.len() < MAX_EXAMPLES {
            let PreviewEvent {
                sequence,
                event,
                event_type,
                ..
            } = event;
            let person = event.user_id().or_else(|| event.device_id());
            self.examples.push(Example {
                sequence: *sequence,
                received_ms: event.received_ms(),
                event_type: event_type.clone(),
                person: person.unwrap_or_default().into_owned(),
                by,
            });
        }
    }

    fn result(&self) -> ChangedEvents {
        let types = self.types.iter().map(|(t, n)| (t.clone(), *n));
        ChangedEvents {
            events: self.events,
            types: most_first(types),
            examples: self.examples.clone(),
        }
    }
}
