//! Judging events: each is mapped, checked against the limits, and decided by the gate.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustc_hash::FxHashMap;

use crate::amplitude::{Event, Malformed, Reading, time};
use crate::config::Settings;
use crate::customerio::Item;
use crate::customerio::mapping::IdentifyItem;
use crate::delivery::{Accepted, Part};
use crate::filter::{BlockedBy, Decision, Gate, Mode, SharedGate};
use crate::limits::{self, Policy, Subject, Violation};
use crate::protocol::{Content, Outcome, Record, Story};

use super::judge_rules::JudgeRules;
use super::recent_ids::RecentIds;

/// Judges events, one after the other.
#[derive(Debug)]
pub struct Judge {
    shared_gate: SharedGate,
    /// The gate of the current frames.
    gate: Arc<Gate>,
    shared_rules: Arc<ArcSwap<JudgeRules>>,
    /// The rules of the current frames.
    rules: Arc<JudgeRules>,
    /// The number of the newest record.
    sequence: u64,
    recent_ids: RecentIds,
    event_types: FxHashMap<Box<str>, Arc<str>>,
    /// A hash of the user properties that were sent last, by person.
    sent_properties: FxHashMap<u64, u64>,
    /// The buffer for the attributes of an event.
    buffer: Vec<u8>,
}

/// Minimum dedupe ids that are remembered; otherwise about as many as the ring has events, an event
/// taking 1 to 2 kB.
const MIN_RECENT_IDS: usize = 65_536;
/// Maximum event types, and persons, that are remembered; beyond it all are forgotten.
const MAX_REMEMBERED: usize = 100_000;

/// The judgement on an event.
enum Judgement {
    /// It is accepted, and its items were added to those to send.
    Sent,
    /// It is accepted, but nothing is sent in dry run.
    DryRun,
    /// It is filtered out or rejected.
    NotAccepted(Decision),
}

impl Judgement {
    /// The beginning of an event's story.
    fn story(self, violations: Vec<Violation>) -> Story {
        let (decision, outcome) = match self {
            Self::Sent => (Decision::Accepted, Outcome::OnItsWay),
            Self::DryRun => (Decision::Accepted, Outcome::DryRun),
            Self::NotAccepted(decision) => (decision, Outcome::NotSent),
        };
        Story {
            decision: Some(decision),
            violations,
            attempts: Vec::new(),
            outcome,
        }
    }
}

/// The items of an accepted event.
struct EventItems {
    /// The item whose outcome is the event's.
    event: Item,
    /// The identify that precedes it.
    identify: Option<Item>,
}

impl Judge {
    /// Creates a judge that follows changes of `gate` and `rules`.
    pub fn new(gate: SharedGate, rules: Arc<ArcSwap<JudgeRules>>, settings: &Settings) -> Self {
        Self {
            gate: gate.load(),
            shared_gate: gate,
            rules: rules.load_full(),
            shared_rules: rules,
            sequence: 0,
            recent_ids: RecentIds::new(Self::max_recent_ids(settings)),
            event_types: FxHashMap::default(),
            sent_properties: FxHashMap::default(),
            buffer: Vec::new(),
        }
    }

    /// Remembers the dedupe ids of events that were accepted before this run, oldest first.
    pub fn remember(&mut self, ids: impl IntoIterator<Item = u128>) {
        ids.into_iter().for_each(|id| self.recent_ids.insert(id));
    }

    /// Maximum dedupe ids that a judge remembers.
    pub fn max_recent_ids(settings: &Settings) -> usize {
        (settings.screen.ring_bytes / 1_024).max(MIN_RECENT_IDS)
    }

    /// Loads the gate and the rules in force.
    pub fn begin(&mut self) {
        self.gate = self.shared_gate.load();
        self.rules = self.shared_rules.load_full();
    }

    /// Judges an event, and adds its items to `items` if they are to be sent.
    pub fn judge(&mut self, event: Event, items: &mut Vec<Accepted>) -> Record {
        self.sequence += 1;
        let received_ms = event.received_ms();
        let event_type = self.shared_type(event.event_type().unwrap_or_default().trim());
        let story = self.decide(&event, &event_type, items);
        Record {
            sequence: self.sequence,
            received_ms,
            content: Content::Event { event, event_type },
            story,
        }
    }

    /// Records a malformed part of a frame.
    pub(super) fn malformed(
        &mut self,
        malformed: Malformed,
        text: bytestring::ByteString,
        received_ms: time::UnixMs,
    ) -> Record {
        self.sequence += 1;
        Record {
            sequence: self.sequence,
            received_ms,
            content: Content::Malformed { malformed, text },
            story: Story {
                decision: None,
                violations: Vec::new(),
                attempts: Vec::new(),
                outcome: Outcome::NotSent,
            },
        }
    }

    fn decide(&mut self, event: &Event, event_type: &Arc<str>, items: &mut Vec<Accepted>) -> Story {
        let reading = Reading::new(event);
        let rules = self.rules.clone();
        let mapped = rules
            .mapping
            .map(&reading, std::mem::take(&mut self.buffer));
        let mut subject = Subject::new(&reading, &mapped, &rules.mapping, event.received_ms());
        subject.seen_before = self.recent_ids.contains(mapped.id.into());
        let violations = limits::check(&subject, &rules.policies);
        let blocked_by = self
            .gate
            .blocked_by(&reading, event_type, rules.mapping.send_users);
        let judgement = match decision(blocked_by, &violations) {
            Decision::Accepted => self.accept(&subject, event_type, items),
            other => Judgement::NotAccepted(other),
        };
        self.buffer = mapped.attributes;
        judgement.story(violations)
    }

    /// Judges an event that the filters and limits accept, and adds its items if the gate is open.
    fn accept(
        &mut self,
        subject: &Subject<'_, '_>,
        event_type: &Arc<str>,
        items: &mut Vec<Accepted>,
    ) -> Judgement {
        let is_open = self.gate.mode() == Mode::Open;
        let is_update = subject.mapped.name == "$identify";
        let identify = if is_open || is_update {
            identify_of(subject)
        } else {
            None
        };
        if is_update && identify.is_none() {
            // It sets no property that Customer.io takes.
            return Judgement::NotAccepted(Decision::Filtered {
                by: BlockedBy::PropertyUpdate,
            });
        }
        if !is_open {
            return Judgement::DryRun;
        }
        let Some(found) = self.items_of(subject, identify, is_update) else {
            // The limits have rejected an event without a person or a time.
            return Judgement::NotAccepted(Decision::Filtered {
                by: BlockedBy::PropertyUpdate,
            });
        };
        self.recent_ids.insert(subject.mapped.id.into());
        let accepted = |item, part| Accepted {
            item,
            sequence: self.sequence,
            part,
            event_type: event_type.clone(),
            happened_ms: subject.mapped.time.clone().unwrap_or_default(),
            received_ms: subject.reading.event().received_ms(),
        };
        items.extend(
            found
                .identify
                .map(|identify| accepted(identify, Part::Identify)),
        );
        items.push(accepted(found.event, Part::Event));
        Judgement::Sent
    }

    /// The items to send of an accepted event; none if it can't be sent.
    fn items_of(
        &mut self,
        subject: &Subject<'_, '_>,
        identify: Option<IdentifyItem>,
        is_update: bool,
    ) -> Option<EventItems> {
        if is_update {
            // An update is itself an identify, and is sent even if it repeats the last one.
            let identify = identify?;
            self.is_new_identify(&identify);
            return Some(EventItems {
                event: identify.item,
                identify: None,
            });
        }
        let event = subject.mapped.item()?;
        let identify = identify.filter(|identify| self.is_new_identify(identify));
        Some(EventItems {
            event,
            identify: identify.map(|identify| identify.item),
        })
    }

    /// Whether an identify differs from the last one of its person, which it replaces.
    fn is_new_identify(&mut self, identify: &IdentifyItem) -> bool {
        if self.sent_properties.len() > MAX_REMEMBERED {
            self.sent_properties.clear();
        }
        let last = self
            .sent_properties
            .insert(identify.item.person, identify.sets);
        last != Some(identify.sets)
    }

    /// The event type as a string that all its events share.
    fn shared_type(&mut self, event_type: &str) -> Arc<str> {
        if let Some(shared) = self.event_types.get(event_type) {
            return shared.clone();
        }
        if self.event_types.len() > MAX_REMEMBERED {
            self.event_types.clear();
        }
        let shared: Arc<str> = event_type.into();
        self.event_types.insert(event_type.into(), shared.clone());
        shared
    }
}

/// The identify that accompanies an event, if the settings ask for one.
fn identify_of(subject: &Subject<'_, '_>) -> Option<IdentifyItem> {
    let mapping = subject.mapping;
    if !mapping.send_users && !mapping.links_anonymous() {
        return None;
    }
    subject
        .mapped
        .identify_item(mapping, subject.identify(), subject.reading)
}

/// Combines the filters and the limits. The filters decide first: a limit rejects only events that
/// would have been sent, which includes those that only a shut gate filters out.
fn decision(blocked_by: Option<BlockedBy>, violations: &[Violation]) -> Decision {
    let rejecting = violations.iter().find(|v| v.policy == Policy::Reject);
    match (blocked_by, rejecting) {
        (Some(by), None) => Decision::Filtered { by },
        (Some(by), Some(_)) if by != BlockedBy::Shut => Decision::Filtered { by },
        (_, Some(violation)) => Decision::Rejected {
            code: violation.code,
        },
        (None, None) => Decision::Accepted,
    }
}

#[cfg(test)]
mod tests;
