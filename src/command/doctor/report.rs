//! The checks, and the report of them.

use serde::Serialize;

use crate::cli::Format;
use crate::command::output;
use crate::text::{counted, on_one_line};

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Ok,
    /// It works, and may not do what is expected.
    Warning,
    Failed,
    /// It can't be checked, because an earlier check failed.
    NotChecked,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "FAILED",
            Self::NotChecked => "not checked",
        }
    }
}

/// One check. Its name stays the same from version to version.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) outcome: Outcome,
    /// What was found.
    detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

impl Check {
    pub(super) fn ok(name: &'static str, detail: impl AsRef<str>) -> Self {
        Self::new(name, Outcome::Ok, detail.as_ref(), None)
    }

    pub(super) fn warning(
        name: &'static str,
        detail: impl AsRef<str>,
        advice: &'static str,
    ) -> Self {
        Self::new(name, Outcome::Warning, detail.as_ref(), Some(advice))
    }

    pub(super) fn failed(
        name: &'static str,
        detail: impl AsRef<str>,
        advice: &'static str,
    ) -> Self {
        Self::new(name, Outcome::Failed, detail.as_ref(), Some(advice))
    }

    pub(super) fn not_checked(name: &'static str, detail: impl AsRef<str>) -> Self {
        Self::new(name, Outcome::NotChecked, detail.as_ref(), None)
    }

    fn new(
        name: &'static str,
        outcome: Outcome,
        detail: &str,
        advice: Option<&'static str>,
    ) -> Self {
        Self {
            name,
            outcome,
            detail: on_one_line(detail),
            advice,
        }
    }
}

/// All checks so far. As text, each is printed at once.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    ok: bool,
    checks: Vec<Check>,
    #[serde(skip)]
    format: Format,
}

impl Report {
    pub(super) fn new(format: Format) -> Self {
        Self {
            ok: true,
            checks: Vec::new(),
            format,
        }
    }

    pub(super) fn add(&mut self, check: Check) {
        if self.format == Format::Text {
            say!(
                "{:<12} {:<23} {}",
                check.outcome.word(),
                check.name,
                check.detail
            );
            if let Some(advice) = check.advice {
                say!("{:<12} {:<23} → {advice}", "", "");
            }
        }
        self.ok &= check.outcome != Outcome::Failed;
        self.checks.push(check);
    }

    /// Whether the last check failed.
    pub(super) fn has_failed(&self, name: &str) -> bool {
        let failed = |check: &&Check| check.outcome == Outcome::Failed;
        self.checks
            .iter()
            .filter(failed)
            .any(|check| check.name == name)
    }

    /// Ends the report. Returns whether no check failed.
    pub(super) fn end(&self) -> bool {
        let count = |outcome| {
            self.checks
                .iter()
                .filter(|check| check.outcome == outcome)
                .count() as u64
        };
        match self.format {
            Format::Json => output::json(self),
            Format::Text => say!(
                "{}: {} failed, {}, {} not checked",
                counted(self.checks.len() as u64, "check"),
                count(Outcome::Failed),
                counted(count(Outcome::Warning), "warning"),
                count(Outcome::NotChecked)
            ),
        }
        self.ok
    }
}
