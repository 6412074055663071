//! Assessing events: everything that follows from an event and from the settings alone.
//!
//! Assessments don't depend on one another, so several threads make them. What depends on the events
//! before, such as duplicates, is left to the [`Judge`](super::Judge), which takes them in order.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ulid::Ulid;

use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Reading};
use crate::customerio::mapping::IdentifyItem;
use crate::customerio::{Mapped, WrittenItem};
use crate::filter::{BlockedBy, Decision, Gate, Mode, SharedGate};
use crate::limits::{self, Policy, Subject, Violation};

use super::judge_rules::JudgeRules;

/// The gate and the rules that events are assessed by.
#[derive(Debug, Clone)]
pub(super) struct Criteria {
    pub(super) gate: Arc<Gate>,
    pub(super) rules: Arc<JudgeRules>,
}

/// An event with what follows from it.
#[derive(Debug)]
pub(super) struct Assessment {
    pub(super) event: Event,
    /// The dedupe id.
    pub(super) id: Ulid,
    pub(super) happened_ms: UnixMs,
    /// The limits that the event breaks, as if it came for the first time.
    pub(super) violations: Vec<Violation>,
    pub(super) blocked_by: Option<BlockedBy>,
    pub(super) if_accepted: IfAccepted,
}

/// What becomes of an event if its filters and limits accept it.
#[derive(Debug)]
pub(super) enum IfAccepted {
    /// It is not sent: it is filtered out or rejected, or it is an update that sets nothing.
    NotSent,
    /// Nothing is sent in dry run.
    DryRun,
    /// It is sent as an event, after an identify if its person has changed.
    Event(WrittenItem, Option<IdentifyItem>),
    /// It is an update, and is sent as an identify.
    Update(IdentifyItem),
}

impl Criteria {
    /// The criteria in force.
    pub(super) fn load(gate: &SharedGate, rules: &ArcSwap<JudgeRules>) -> Self {
        Self {
            gate: gate.load(),
            rules: rules.load_full(),
        }
    }

    /// Assesses an event. If it is to be sent, its body is written to the end of `block`.
    pub(super) fn assess(&self, event: Event, block: &mut Vec<u8>) -> Assessment {
        let reading = Reading::new(&event);
        let mapping = &self.rules.mapping;
        let mapped = mapping.map(&reading, std::mem::take(block));
        let subject = Subject::new(&reading, &mapped, mapping, event.received_ms());
        let violations = limits::check(&subject, &self.rules.policies);
        let event_type = event.event_type().unwrap_or_default();
        let blocked_by = self
            .gate
            .blocked_by(&reading, event_type.trim(), mapping.send_users);
        let plan = match decision(blocked_by.as_ref(), &violations) {
            Decision::Accepted => self.plan(&subject),
            _ => Plan::NotSent,
        };
        let (id, time) = (mapped.id, mapped.time.clone());
        let if_accepted = plan.carry_out(mapped, block);
        Assessment {
            id,
            happened_ms: time.unwrap_or_default(),
            violations,
            blocked_by,
            if_accepted,
            event,
        }
    }

    /// Plans what becomes of an event that its filters and limits accept.
    fn plan(&self, subject: &Subject<'_, '_>) -> Plan {
        let is_open = self.gate.mode() == Mode::Open;
        let is_update = subject.mapped.name == "$identify";
        let identify = if is_open || is_update {
            identify_of(subject)
        } else {
            None
        };
        match (is_update, identify) {
            // It sets no property that Customer.io takes.
            (true, None) => Plan::NotSent,
            _ if !is_open => Plan::DryRun,
            (true, Some(update)) => Plan::Update(update),
            (false, identify) => Plan::Event(identify),
        }
    }
}

/// What is to become of an event.
enum Plan {
    NotSent,
    DryRun,
    Event(Option<IdentifyItem>),
    Update(IdentifyItem),
}

impl Plan {
    fn carry_out(self, mapped: Mapped<'_>, block: &mut Vec<u8>) -> IfAccepted {
        if let Self::Event(identify) = self {
            let item;
            (*block, item) = mapped.into_item();
            // The limits have rejected an event without a person or a time.
            return item.map_or(IfAccepted::NotSent, |item| {
                IfAccepted::Event(item, identify)
            });
        }
        *block = mapped.into_block();
        match self {
            Self::Update(update) => IfAccepted::Update(update),
            Self::DryRun => IfAccepted::DryRun,
            Self::NotSent | Self::Event(_) => IfAccepted::NotSent,
        }
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
pub(super) fn decision(blocked_by: Option<&BlockedBy>, violations: &[Violation]) -> Decision {
    let rejecting = violations.iter().find(|v| v.policy == Policy::Reject);
    match (blocked_by, rejecting) {
        (Some(by), None) => Decision::Filtered { by: by.clone() },
        (Some(by), Some(_)) if *by != BlockedBy::Shut => Decision::Filtered { by: by.clone() },
        (_, Some(violation)) => Decision::Rejected {
            code: violation.code,
        },
        (None, None) => Decision::Accepted,
    }
}
