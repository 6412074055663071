//! Assessing events: everything that follows from an event and from the settings alone.
//!
//! Assessments don't depend on one another, so several threads make them. What depends on the events
//! before, such as duplicates, is left to the [`Judge`](super::Judge), which takes them in order.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ulid::Ulid;

use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Reading};
use crate::customerio::WrittenItem;
use crate::customerio::mapping::IdentifyItem;
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
    /// The item of an event that is to be sent. The limits have rejected an event that has none, as it
    /// lacks a person or a time.
    pub(super) item: Option<WrittenItem>,
}

/// What becomes of an event if its filters and limits accept it.
#[derive(Debug)]
pub(super) enum IfAccepted {
    /// It is not sent: it is filtered out or rejected, or it is an update that sets nothing.
    NotSent,
    /// Nothing is sent in dry run.
    DryRun,
    /// It is sent as an event, after this identify if its person has changed.
    Event(Option<IdentifyItem>),
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
        let if_accepted = match decision(blocked_by.as_ref(), &violations) {
            Decision::Accepted => self.if_accepted(&subject),
            _ => IfAccepted::NotSent,
        };
        let (id, time) = (mapped.id, mapped.time.clone());
        let item;
        (*block, item) = match if_accepted {
            IfAccepted::Event(_) => mapped.into_item(),
            _ => (mapped.into_block(), None),
        };
        Assessment {
            id,
            happened_ms: time.unwrap_or_default(),
            violations,
            blocked_by,
            if_accepted,
            item,
            event,
        }
    }

    fn if_accepted(&self, subject: &Subject<'_, '_>) -> IfAccepted {
        let is_open = self.gate.mode() == Mode::Open;
        let is_update = subject.mapped.name == "$identify";
        let identify = if is_open || is_update {
            identify_of(subject)
        } else {
            None
        };
        match (is_update, identify) {
            // It sets no property that Customer.io takes.
            (true, None) => IfAccepted::NotSent,
            _ if !is_open => IfAccepted::DryRun,
            (true, Some(update)) => IfAccepted::Update(update),
            (false, identify) => IfAccepted::Event(identify),
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
