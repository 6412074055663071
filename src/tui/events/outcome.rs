//! The outcome of an event: sign, severity and description.

use crate::filter::Decision;
use crate::limits::{self, Policy, Unit};
use crate::protocol::{Content, Outcome, Record, Story};
use crate::text::duration;
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::widget::theme::Sign;

/// The severity of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Filtered out, as intended.
    Quiet,
    /// On its way.
    Plain,
    /// Delivered.
    Good,
    /// Needs attention.
    Warn,
    /// Failed.
    Bad,
}

/// The outcome of an event: its sign, its severity, and a description. `queued` is the reason why
/// accepted events stay queued at the moment.
pub fn outcome_of(record: &Record, queued: Option<QueueReason>) -> (Sign, Severity, String) {
    let story = &record.story;
    if let Content::Malformed { malformed, .. } = &record.content {
        // Without the text near the fault, which can be personal data. The inspector shows it.
        let description = format!("byte {}: {}", malformed.at_byte, malformed.why);
        return (Sign::Malformed, Severity::Bad, description);
    }
    match &story.decision {
        Some(Decision::Filtered { by }) => (Sign::Filtered, Severity::Quiet, by.to_string()),
        Some(Decision::Rejected { code }) => {
            let violation = story.violations.iter().find(|v| v.code == *code);
            let description = violation.map_or_else(|| code.to_string(), measured);
            (Sign::Rejected, Severity::Bad, description)
        }
        Some(Decision::Accepted) | None => outcome_of_accepted(&record.story, queued),
    }
}

fn outcome_of_accepted(story: &Story, queued: Option<QueueReason>) -> (Sign, Severity, String) {
    let warned = story.violations.iter().find(|v| v.policy == Policy::Warn);
    let unless_warned = |sign, severity, description: String, short: &str| match warned {
        Some(violation) => (
            Sign::Warned,
            Severity::Warn,
            format!("{short}, {}", violation.code),
        ),
        None => (sign, severity, description),
    };
    match &story.outcome {
        Outcome::Undelivered { why, reason, field } => {
            let field = match field.as_str() {
                "" => String::new(),
                field => format!("{field}: "),
            };
            let description = format!("{why}: {field}{reason}");
            (Sign::Rejected, Severity::Bad, description)
        }
        Outcome::Waiting { .. } => {
            let last = story.attempts.last().map_or("", |a| a.answer.as_str());
            let count = story.attempts.len();
            let description = match queued {
                Some(reason) => format!(
                    "queued: {}; attempt {count} answered {last}",
                    reason.description()
                ),
                None => format!("attempt {count} answered {last}, will retry"),
            };
            (Sign::Waiting, Severity::Warn, description)
        }
        Outcome::Delivered { took_ms } => {
            let description = format!("delivered {}", duration(i64::from(*took_ms)));
            unless_warned(
                Sign::Delivered,
                Severity::Good,
                description.clone(),
                &description,
            )
        }
        Outcome::DryRun => {
            let description = "dry run: would be sent".to_owned();
            unless_warned(Sign::DryRun, Severity::Plain, description, "dry run")
        }
        Outcome::OnItsWay => match queued {
            Some(reason) => {
                let description = format!("queued: {}", reason.description());
                (Sign::Queued, Severity::Warn, description)
            }
            None => (Sign::OnItsWay, Severity::Plain, "on its way".to_owned()),
        },
        Outcome::HandedOver => (
            Sign::Filtered,
            Severity::Quiet,
            "handed over with its partition".to_owned(),
        ),
        Outcome::NotSent => (Sign::Filtered, Severity::Quiet, String::new()),
    }
}

/// A violation in short: `id_too_long 160 > 150`.
pub fn measured(violation: &limits::Violation) -> String {
    let (measured, limit) = (violation.measured, violation.limit);
    match violation.unit {
        Unit::Bytes | Unit::Count => {
            format!(
                "{} {} > {}",
                violation.code,
                crate::text::grouped(measured),
                crate::text::grouped(limit)
            )
        }
        Unit::Ms => format!(
            "{} {}",
            violation.code,
            crate::text::duration(measured as i64)
        ),
        Unit::None => violation.code.to_string(),
    }
}
