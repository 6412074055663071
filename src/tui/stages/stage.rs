//! The stages of an event's path, and which events of the ring are at each.

use std::sync::Arc;

use crate::filter::{BlockedBy, Decision};
use crate::limits::Code;
use crate::protocol::{Content, Outcome, Record};

/// A stage of an event's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// All events.
    Received,
    /// Frames, or parts of them, that hold no event.
    Malformed,
    /// Filtered out, for any reason.
    FilteredOut,
    /// Filtered out by its type.
    ByType,
    /// Filtered out by any rule.
    ByRules,
    /// Filtered out by the rule of this name.
    ByRule(Arc<str>),
    /// Filtered out by the shut gate.
    ByGate,
    /// An update of properties of which nothing is sent.
    PropertyUpdates,
    /// Rejected by any limit.
    Rejected,
    /// Violates this limit, which rejects.
    RejectedBy(Code),
    /// Accepted by the filters and limits.
    Accepted,
    /// Accepted in dry run, and not sent.
    DryRun,
    /// Accepted, and not in a request yet.
    Queued,
    /// In a request.
    InFlight,
    /// Failed, and scheduled again.
    Retrying,
    /// Accepted by Customer.io.
    Delivered,
    /// Can't be delivered.
    DeadLetters,
}

impl Stage {
    /// Whether a record is at this stage. The ring can't tell events in a request from those that
    /// are queued for one, so these two stages have the same events.
    pub fn has(&self, record: &Record) -> bool {
        let story = &record.story;
        let filtered_by = match &story.decision {
            Some(Decision::Filtered { by }) => Some(by),
            _ => None,
        };
        match self {
            Self::Received => story.decision.is_some(),
            Self::Malformed => matches!(record.content, Content::Malformed { .. }),
            Self::FilteredOut => filtered_by.is_some(),
            Self::ByType => matches!(filtered_by, Some(BlockedBy::Type | BlockedBy::UnseenType)),
            Self::ByRules => matches!(filtered_by, Some(BlockedBy::Rule { .. })),
            Self::ByRule(name) => {
                matches!(filtered_by, Some(BlockedBy::Rule { name: by, .. }) if by == name)
            }
            Self::ByGate => matches!(filtered_by, Some(BlockedBy::Shut)),
            Self::PropertyUpdates => matches!(filtered_by, Some(BlockedBy::PropertyUpdate)),
            Self::Rejected => matches!(story.decision, Some(Decision::Rejected { .. })),
            Self::RejectedBy(code) => {
                let is_rejected = matches!(story.decision, Some(Decision::Rejected { .. }));
                is_rejected && story.violations.iter().any(|v| v.code == *code)
            }
            Self::Accepted => matches!(story.decision, Some(Decision::Accepted)),
            Self::DryRun => story.outcome == Outcome::DryRun,
            Self::Queued | Self::InFlight => story.outcome == Outcome::OnItsWay,
            Self::Retrying => matches!(story.outcome, Outcome::Waiting { .. }),
            Self::Delivered => matches!(story.outcome, Outcome::Delivered { .. }),
            Self::DeadLetters => matches!(story.outcome, Outcome::Undelivered { .. }),
        }
    }

    /// Whether an event can come to this stage, or leave it, after its decision.
    pub fn follows_outcomes(&self) -> bool {
        matches!(
            self,
            Self::Queued | Self::InFlight | Self::Retrying | Self::Delivered | Self::DeadLetters
        )
    }

    /// The description of its events, for the title of the events pane.
    pub fn description(&self) -> String {
        match self {
            Self::Received => "all".to_owned(),
            Self::Malformed => "malformed".to_owned(),
            Self::FilteredOut => "filtered out".to_owned(),
            Self::ByType => "filtered out by type".to_owned(),
            Self::ByRules => "filtered out by rules".to_owned(),
            Self::ByRule(name) => format!("filtered out by “{name}”"),
            Self::ByGate => "filtered out by the gate".to_owned(),
            Self::PropertyUpdates => "property updates".to_owned(),
            Self::Rejected => "rejected".to_owned(),
            Self::RejectedBy(code) => format!("rejected, {code}"),
            Self::Accepted => "accepted".to_owned(),
            Self::DryRun => "dry run".to_owned(),
            Self::Queued | Self::InFlight => "queued or in flight".to_owned(),
            Self::Retrying => "retrying".to_owned(),
            Self::Delivered => "delivered".to_owned(),
            Self::DeadLetters => "not delivered".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Undelivered;
    use crate::protocol::tests_support::record;

    /// All stages but the first.
    fn stages() -> [Stage; 16] {
        [
            Stage::FilteredOut,
            Stage::ByType,
            Stage::ByRules,
            Stage::ByRule("internal".into()),
            Stage::ByRule("other".into()),
            Stage::ByGate,
            Stage::PropertyUpdates,
            Stage::Rejected,
            Stage::Accepted,
            Stage::DryRun,
            Stage::Queued,
            Stage::InFlight,
            Stage::Retrying,
            Stage::Delivered,
            Stage::DeadLetters,
            Stage::Malformed,
        ]
    }

    #[test]
    fn an_event_is_at_its_stage_and_at_those_that_contain_it() {
        let filtered = |by| (Decision::Filtered { by }, Outcome::NotSent);
        let rule = BlockedBy::Rule {
            number: 1,
            name: "internal".into(),
        };
        let code = Code::IdTooLong;
        let accepted = |outcome| (Decision::Accepted, outcome);
        let refused = Outcome::Undelivered {
            why: Undelivered::Discarded,
            reason: String::new(),
            field: String::new(),
        };
        for ((decision, outcome), expected) in [
            (
                filtered(BlockedBy::Type),
                "filtered out, filtered out by type",
            ),
            (
                filtered(BlockedBy::UnseenType),
                "filtered out, filtered out by type",
            ),
            (
                filtered(rule),
                "filtered out, filtered out by rules, filtered out by “internal”",
            ),
            (
                filtered(BlockedBy::Shut),
                "filtered out, filtered out by the gate",
            ),
            (
                filtered(BlockedBy::PropertyUpdate),
                "filtered out, property updates",
            ),
            ((Decision::Rejected { code }, Outcome::NotSent), "rejected"),
            (accepted(Outcome::DryRun), "accepted, dry run"),
            (
                accepted(Outcome::OnItsWay),
                "accepted, queued or in flight, queued or in flight",
            ),
            (
                accepted(Outcome::Waiting { next_ms: 1 }),
                "accepted, retrying",
            ),
            (
                accepted(Outcome::Delivered { took_ms: 1 }),
                "accepted, delivered",
            ),
            (accepted(refused), "accepted, not delivered"),
        ] {
            let text = r#"{"event_type":"A","user_id":"u"}"#;
            let record = record(1, text, decision, outcome);
            assert!(Stage::Received.has(&record));
            let all = stages();
            let at = all.iter().filter(|stage| stage.has(&record));
            let at: Vec<String> = at.map(Stage::description).collect();
            assert_eq!(at.join(", "), expected);
        }
    }
}
