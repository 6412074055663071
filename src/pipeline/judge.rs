//! Judging events, one after the other: what an assessment leaves open because it depends on the
//! events before.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::amplitude::{Event, Malformed, time};
use crate::config::Settings;
use crate::customerio::Item;
use crate::customerio::mapping::IdentifyItem;
use crate::delivery::{Accepted, Part};
use crate::feed::Origin;
use crate::filter::{BlockedBy, Decision, SharedGate};
use crate::limits::{self, Violation};
use crate::protocol::{Content, Outcome, Record, Story};

use super::assessment::{Assessment, Criteria, IfAccepted, decision};
use super::judge_rules::JudgeRules;
use super::recent_ids::RecentIds;

/// Judges events, one after the other.
#[derive(Debug)]
pub struct Judge {
    shared_gate: SharedGate,
    shared_rules: Arc<ArcSwap<JudgeRules>>,
    /// The number of the newest record.
    sequence: u64,
    recent_ids: RecentIds,
    event_types: FxHashMap<Box<str>, Arc<str>>,
    /// A hash of the user properties that were sent last, by person.
    sent_properties: FxHashMap<u64, u64>,
    /// The message of a shared stream whose events are judged now.
    origin: Option<Origin>,
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

impl Judge {
    /// Creates a judge that follows changes of `gate` and `rules`.
    pub fn new(gate: SharedGate, rules: Arc<ArcSwap<JudgeRules>>, settings: &Settings) -> Self {
        Self {
            shared_gate: gate,
            shared_rules: rules,
            sequence: 0,
            recent_ids: RecentIds::new(Self::max_recent_ids(settings)),
            event_types: FxHashMap::default(),
            sent_properties: FxHashMap::default(),
            origin: None,
        }
    }

    /// Takes note of the message of a shared stream whose events follow.
    pub(super) fn begin(&mut self, origin: Origin) {
        self.origin = Some(origin);
    }

    /// Remembers the dedupe ids of events that were accepted before this run, oldest first.
    pub fn remember(&mut self, ids: impl IntoIterator<Item = u128>) {
        ids.into_iter().for_each(|id| self.recent_ids.insert(id));
    }

    /// Maximum dedupe ids that a judge remembers.
    pub fn max_recent_ids(settings: &Settings) -> usize {
        (settings.screen.ring_bytes / 1_024).max(MIN_RECENT_IDS)
    }

    /// The gate and the rules in force.
    pub(super) fn criteria(&self) -> Criteria {
        Criteria::load(&self.shared_gate, &self.shared_rules)
    }

    /// Judges an event by the criteria in force, and adds its items to `items` if they are to be sent.
    pub fn judge(&mut self, event: Event, items: &mut Vec<Accepted>) -> Record {
        let (criteria, mut block) = (self.criteria(), Vec::new());
        let assessment = criteria.assess(event, &mut block);
        self.conclude(assessment, &block.into(), &criteria, items)
    }

    /// Judges an assessed event, and adds its items to `items` if they are to be sent. Their bodies
    /// are in `block`.
    pub(super) fn conclude(
        &mut self,
        assessment: Assessment,
        block: &Bytes,
        criteria: &Criteria,
        items: &mut Vec<Accepted>,
    ) -> Record {
        self.sequence += 1;
        let Assessment {
            event,
            id,
            happened_ms,
            mut violations,
            blocked_by,
            if_accepted,
            item,
        } = assessment;
        // A shared stream recognizes repeated events itself, and delivers an event again whenever its
        // partition changes hands.
        let (origin, is_own) = (self.origin, self.origin.is_none());
        if is_own && self.recent_ids.contains(id.into()) {
            limits::add_duplicate(&event, id, &criteria.rules.policies, &mut violations);
        }
        let received_ms = event.received_ms();
        let event_type = self.shared_type(event.event_type().unwrap_or_default().trim());
        let sequence = self.sequence;
        let send = |item, part| {
            items.push(Accepted {
                item,
                sequence,
                part,
                event_type: event_type.clone(),
                happened_ms,
                received_ms,
                origin,
            });
        };
        let judgement = match decision(blocked_by.as_ref(), &violations) {
            Decision::Accepted => {
                let item = item.map(|item| item.in_block(block));
                self.accept(if_accepted, item, send)
            }
            other => Judgement::NotAccepted(other),
        };
        if is_own && matches!(judgement, Judgement::Sent) {
            self.recent_ids.insert(id.into());
        }
        Record {
            sequence: self.sequence,
            received_ms,
            content: Content::Event { event, event_type },
            story: judgement.story(violations),
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

    /// Accepts an event, and sends its items in order.
    fn accept(
        &mut self,
        if_accepted: IfAccepted,
        item: Option<Item>,
        mut send: impl FnMut(Item, Part),
    ) -> Judgement {
        match (if_accepted, item) {
            (IfAccepted::NotSent, _) | (IfAccepted::Event(_), None) => {
                Judgement::NotAccepted(Decision::Filtered {
                    by: BlockedBy::PropertyUpdate,
                })
            }
            (IfAccepted::DryRun, _) => Judgement::DryRun,
            (IfAccepted::Event(identify), Some(item)) => {
                if let Some(identify) = identify.filter(|new| self.is_new_identify(new)) {
                    send(identify.item, Part::Identify);
                }
                send(item, Part::Event);
                Judgement::Sent
            }
            (IfAccepted::Update(update), _) => {
                // It is sent even if it repeats the last one.
                self.is_new_identify(&update);
                send(update.item, Part::Event);
                Judgement::Sent
            }
        }
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

#[cfg(test)]
mod tests;
