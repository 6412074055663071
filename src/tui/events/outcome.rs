//! The outcome of an event: its sign, its weight and its words.

use crate::filter::Decision;
use crate::limits::{
    Policy, Unit, {self},
};
use crate::protocol::{Content, Outcome, Record};
use crate::tui::widget::theme::Sign;

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
