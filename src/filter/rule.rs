//! A rule: a named CEL condition that includes or excludes events.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::amplitude::Event;

use super::expression::{CompileError, Condition};

/// The effect of a rule on the events that match its condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleEffect {
    /// Filters them out.
    Exclude,
    /// Filters out all others.
    Include,
}

/// A named condition, as the configuration file has it under `[[rules]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Its effect on the events that match.
    pub effect: RuleEffect,
    /// The condition, in CEL.
    pub when: String,
    /// Whether it is enabled.
    #[serde(default = "enabled")]
    pub on: bool,
    /// The percentage of persons to whose events it applies; a person is always in or out.
    #[serde(default = "everyone", skip_serializing_if = "is_everyone")]
    pub sample: f64,
    /// A comment for its readers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Rule {
    /// Creates an enabled rule for all persons.
    pub fn new(name: impl Into<String>, effect: RuleEffect, when: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            effect,
            when: when.into(),
            on: enabled(),
            sample: everyone(),
            note: String::new(),
        }
    }

    /// Compiles its condition.
    pub(super) fn compile(&self) -> Result<Condition, RuleError> {
        if !(self.sample > 0.0 && self.sample <= 100.0) {
            return Err(RuleError::Sample {
                name: self.name.clone(),
                sample: self.sample,
            });
        }
        Condition::compile(&self.when).map_err(|error| RuleError::Condition {
            name: self.name.clone(),
            error,
        })
    }

    /// Whether it filters out `event`; `matches` says whether its condition matches.
    pub(super) fn filters_out(&self, event: &Event, matches: bool) -> bool {
        let applies = matches && self.samples(event);
        match self.effect {
            RuleEffect::Exclude => applies,
            RuleEffect::Include => !applies,
        }
    }

    /// Whether the person of `event` is in the sample. The answer depends only on the rule's name
    /// and the person.
    fn samples(&self, event: &Event) -> bool {
        if self.sample >= 100.0 {
            return true;
        }
        let person = event
            .user_id()
            .or_else(|| event.device_id())
            .unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(self.name.as_bytes());
        hash.update([0]);
        hash.update(person.as_bytes());
        let digest = hash.finalize();
        let point = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        f64::from(point) / f64::from(u32::MAX) * 100.0 < self.sample
    }
}

fn enabled() -> bool {
    true
}

fn everyone() -> f64 {
    100.0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_everyone(sample: &f64) -> bool {
    *sample >= 100.0
}

/// An invalid rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// Its condition does not compile.
    #[error("rule “{name}”: {error}")]
    Condition {
        /// The rule's name.
        name: String,
        /// The compiler's error.
        error: CompileError,
    },
    /// Its sample is no percentage.
    #[error("rule “{name}”: a sample is a percentage over 0 and up to 100, not {sample}")]
    Sample {
        /// The rule's name.
        name: String,
        /// The configured value.
        sample: f64,
    },
}
