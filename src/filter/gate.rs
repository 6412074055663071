//! The gate: open, shut or in dry run, with the event types that are selected and the rules.
//!
//! A [`Gate`] never changes. A new one takes its place whole, between two events, and
//! takes over the counts of the rules that stayed as they were.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use cel::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::amplitude::{Event, Reading};
use crate::limits::Code;

use super::expression::{CompileError, Condition, Evaluation, Variables};

/// Whether what passes the filters goes on to Customer.io.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It is forwarded.
    Open,
    /// Nothing passes.
    Shut,
    /// All is decided and mapped as if it were open, and nothing is sent.
    DryRun,
}

/// What a rule does with the events that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleEffect {
    /// Holds them back.
    Exclude,
    /// Lets only them on.
    Include,
}

/// A named condition, as the settings write it under `[[rules]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it does with the events that it matches.
    pub effect: RuleEffect,
    /// The condition, in CEL.
    pub when: String,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub on: bool,
    /// The share of persons, in percent, on whose events it acts; stable per person.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub sample: f64,
    /// Why it is there, for whoever reads it next.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Rule {
    /// A rule that is on, and acts on all persons.
    pub fn new(name: impl Into<String>, effect: RuleEffect, when: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            effect,
            when: when.into(),
            on: true,
            sample: 100.0,
            note: String::new(),
        }
    }
}

fn yes() -> bool {
    true
}
fn whole() -> f64 {
    100.0
}
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_whole(sample: &f64) -> bool {
    *sample >= 100.0
}

/// Which events pass: the types, then the rules. What the operator edits and the settings keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// Whether types that are not in the list pass.
    pub unseen_types: Switch,
    /// The types that the operator has decided on.
    pub types: BTreeMap<String, Switch>,
    /// The rules in their order.
    pub rules: Vec<Rule>,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            unseen_types: Switch::On,
            types: BTreeMap::new(),
            rules: Vec::new(),
        }
    }
}

impl Filters {
    /// Whether events of this type are selected.
    pub fn selects(&self, event_type: &str) -> bool {
        self.types
            .get(event_type)
            .copied()
            .unwrap_or(self.unseen_types)
            == Switch::On
    }

    /// What of an event's type holds it back, if anything does.
    pub(super) fn type_against(&self, event_type: &str, send_users: bool) -> Option<BlockedBy> {
        let update = matches!(event_type, "$identify" | "$groupidentify");
        if update && !(send_users && event_type == "$identify") {
            return Some(BlockedBy::PropertyUpdate);
        }
        if self.selects(event_type) {
            return None;
        }
        let known = self.types.contains_key(event_type);
        Some(if known {
            BlockedBy::Type
        } else {
            BlockedBy::UnseenType
        })
    }

    /// The first rule that holds the event back, from 0; `matches` says whether the condition
    /// of a rule does.
    pub(super) fn rule_against(
        &self,
        event: &Event,
        mut matches: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let rules = self.rules.iter().enumerate();
        for (index, rule) in rules.filter(|(_, rule)| rule.on) {
            let acts = matches(index) && is_sampled(rule, event);
            let filtered_out = match rule.effect {
                RuleEffect::Exclude => acts,
                RuleEffect::Include => !acts,
            };
            if filtered_out {
                return Some(index);
            }
        }
        None
    }
}

/// On or off, as the settings write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// It passes.
    On,
    /// It is held back.
    Off,
}

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

/// What held an event back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockedBy {
    /// The gate is shut.
    Shut,
    /// The event's type is off.
    Type,
    /// The event's type is new, and new types are off.
    UnseenType,
    /// A rule.
    Rule {
        /// Its place among the rules, from 1.
        number: u16,
        /// Its name.
        name: Arc<str>,
    },
    /// It is an update of properties and no behaviour, and *send users* is off.
    PropertyUpdate,
}

/// What became of an event at the gate, and what decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The gate let it through.
    Accepted,
    /// The gate held it back.
    Filtered {
        /// What did.
        by: BlockedBy,
    },
    /// A limit refused it.
    Rejected {
        /// Which one.
        code: Code,
    },
}

impl std::fmt::Display for BlockedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shut => f.write_str("gate shut"),
            Self::Type => f.write_str("type not selected"),
            Self::UnseenType => f.write_str("new type, not selected"),
            Self::Rule { number, name } => write!(f, "rule {number} “{name}”"),
            Self::PropertyUpdate => f.write_str("property update, send users is off"),
        }
    }
}

/// How often a rule was asked and what it said; shared by the gates that hold the rule.
#[derive(Debug, Default)]
pub struct RuleCounts {
    reached: AtomicU64,
    matched: AtomicU64,
    filtered_out: AtomicU64,
    errors: AtomicU64,
    last_error: Mutex<Option<String>>,
    timed: AtomicU64,
    timed_ns: AtomicU64,
}

/// A [`RuleCounts`] as it is at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTally {
    /// Events that came as far as this rule.
    pub reached: u64,
    /// Those that its condition matched.
    pub matched: u64,
    /// Those that it held back.
    #[serde(rename = "held_back")]
    pub filtered_out: u64,
    /// Those on which its condition failed.
    pub errors: u64,
    /// What was wrong the last time.
    pub last_error: Option<String>,
    /// How often it was timed: one evaluation in [`TIMED_OF`].
    pub timed: u64,
    /// How long that took in all, in nanoseconds.
    pub timed_ns: u64,
}

impl RuleTally {
    /// What its condition takes of an event's time, in microseconds. The first rule that names
    /// a property pays for its parsing.
    pub fn micros(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.timed_ns as f64 / self.timed as f64 / 1_000.0)
    }
}

/// One evaluation of a rule in so many is timed: a look at the clock takes as long as a short
/// condition.
pub const TIMED_OF: u64 = 64;

impl RuleCounts {
    fn tally(&self) -> RuleTally {
        let last_error = self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        RuleTally {
            reached: self.reached.load(Relaxed),
            matched: self.matched.load(Relaxed),
            filtered_out: self.filtered_out.load(Relaxed),
            errors: self.errors.load(Relaxed),
            last_error,
            timed: self.timed.load(Relaxed),
            timed_ns: self.timed_ns.load(Relaxed),
        }
    }
}

#[derive(Debug)]
struct Compiled {
    name: Arc<str>,
    condition: Condition,
    counts: Arc<RuleCounts>,
}

/// The filters and the mode, compiled and ready to decide.
#[derive(Debug)]
pub struct Gate {
    mode: Mode,
    filters: Filters,
    rules: Vec<Compiled>,
}

/// A rule that can't be taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// Its condition does not compile.
    #[error("rule “{name}”: {error}")]
    Condition {
        /// The rule.
        name: String,
        /// What is wrong.
        error: CompileError,
    },
    /// Its sample is no percentage.
    #[error("rule “{name}”: a sample is a percentage over 0 and up to 100, not {sample}")]
    Sample {
        /// The rule.
        name: String,
        /// What was written.
        sample: f64,
    },
}

/// A rule's condition.
pub(super) fn compile(rule: &Rule) -> Result<Condition, RuleError> {
    if !(rule.sample > 0.0 && rule.sample <= 100.0) {
        return Err(RuleError::Sample {
            name: rule.name.clone(),
            sample: rule.sample,
        });
    }
    Condition::compile(&rule.when).map_err(|error| RuleError::Condition {
        name: rule.name.clone(),
        error,
    })
}

impl Gate {
    /// Compiles `filters`; all of them, or nothing changes.
    pub fn new(mode: Mode, filters: Filters) -> Result<Self, RuleError> {
        let compiled = |rule: &Rule| {
            Ok(Compiled {
                name: rule.name.as_str().into(),
                condition: compile(rule)?,
                counts: Arc::default(),
            })
        };
        let rules = filters
            .rules
            .iter()
            .map(compiled)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            mode,
            filters,
            rules,
        })
    }

    /// The gate that takes the place of `before`: rules that are the same go on counting.
    #[must_use]
    pub fn after(mut self, before: &Self) -> Self {
        for (index, rule) in self.rules.iter_mut().enumerate() {
            let same = |&i: &usize| {
                let (old, new) = (&before.filters.rules[i], &self.filters.rules[index]);
                (&old.name, &old.when, old.effect) == (&new.name, &new.when, new.effect)
            };
            if let Some(i) = (0..before.rules.len()).find(same) {
                rule.counts = before.rules[i].counts.clone();
            }
        }
        self
    }

    /// Whether it is open, shut or in dry run.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The filters in force.
    pub fn filters(&self) -> &Filters {
        &self.filters
    }

    /// What each rule has seen, in their order.
    pub fn tallies(&self) -> Vec<RuleTally> {
        self.rules.iter().map(|r| r.counts.tally()).collect()
    }

    /// What holds the event back, if anything does: its type, then each rule, then a shut gate.
    pub fn blocked_by(
        &self,
        reading: &Reading<'_>,
        event_type: &str,
        send_users: bool,
    ) -> Option<BlockedBy> {
        self.filters
            .type_against(event_type, send_users)
            .or_else(|| self.rule_against(reading))
            .or_else(|| (self.mode == Mode::Shut).then_some(BlockedBy::Shut))
    }

    fn rule_against(&self, reading: &Reading<'_>) -> Option<BlockedBy> {
        if self.filters.rules.iter().all(|rule| !rule.on) {
            return None;
        }
        let variables = Variables::new(reading);
        let context = variables.context();
        let index = self
            .filters
            .rule_against(reading.event(), |index| self.rules[index].matches(&context))?;
        let rule = &self.rules[index];
        rule.counts.filtered_out.fetch_add(1, Relaxed);
        Some(BlockedBy::Rule {
            number: index as u16 + 1,
            name: rule.name.clone(),
        })
    }
}

impl Compiled {
    fn matches(&self, context: &Context<'_, '_>) -> bool {
        let counts = &self.counts;
        let reached = counts.reached.fetch_add(1, Relaxed);
        let verdict = if reached.is_multiple_of(TIMED_OF) {
            let started = Instant::now();
            let verdict = self.condition.evaluate(context);
            let took = started.elapsed().as_nanos() as u64;
            counts.timed.fetch_add(1, Relaxed);
            counts.timed_ns.fetch_add(took, Relaxed);
            verdict
        } else {
            self.condition.evaluate(context)
        };
        match verdict {
            Evaluation::True => {
                counts.matched.fetch_add(1, Relaxed);
                true
            }
            Evaluation::False => false,
            Evaluation::Error(text) => {
                counts.errors.fetch_add(1, Relaxed);
                *counts
                    .last_error
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(text);
                false
            }
        }
    }
}

/// Whether the rule acts on this person: the same answer for the same person and rule, always.
fn is_sampled(rule: &Rule, event: &Event) -> bool {
    if rule.sample >= 100.0 {
        return true;
    }
    let person = event
        .user_id()
        .or_else(|| event.device_id())
        .unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(rule.name.as_bytes());
    hash.update([0]);
    hash.update(person.as_bytes());
    let digest = hash.finalize();
    let part = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    f64::from(part) / f64::from(u32::MAX) * 100.0 < rule.sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::event;

    fn gate(types: &[(&str, bool)], unseen: bool, rules: Vec<Rule>) -> Gate {
        let types = types
            .iter()
            .map(|(t, on)| ((*t).to_owned(), Switch::from(*on)))
            .collect();
        Gate::new(
            Mode::Open,
            Filters {
                unseen_types: unseen.into(),
                types,
                rules,
            },
        )
        .unwrap()
    }

    fn decide(gate: &Gate, text: &str) -> Option<String> {
        let event = event(text);
        let event_type = event.event_type().unwrap_or_default().into_owned();
        gate.blocked_by(&Reading::new(&event), &event_type, false)
            .map(|by| by.to_string())
    }

    const EU: &str =
        r#"{"event_type":"Purchase","user_id":"u-1","event_properties":{"region":"eu"}}"#;
    const US: &str =
        r#"{"event_type":"Purchase","user_id":"staff-1","event_properties":{"region":"us"}}"#;

    #[test]
    fn types_come_first_then_rules_in_order_and_each_decision_names_what_decided() {
        let internal = Rule::new(
            "internal",
            RuleEffect::Exclude,
            r#"user_id.startsWith("staff")"#,
        );
        let eu_only = Rule::new(
            "eu only",
            RuleEffect::Include,
            r#"event_properties.region == "eu""#,
        );
        let open = gate(&[("Purchase", true)], false, vec![internal, eu_only]);
        assert_eq!(decide(&open, EU), None);
        assert_eq!(decide(&open, US).as_deref(), Some("rule 1 “internal”"));
        assert_eq!(
            decide(&open, &US.replace("staff", "u")).as_deref(),
            Some("rule 2 “eu only”")
        );
        assert_eq!(
            decide(&open, &EU.replace("Purchase", "Song")).as_deref(),
            Some("new type, not selected")
        );
        let off = gate(&[("Purchase", false)], true, vec![]);
        assert_eq!(decide(&off, EU).as_deref(), Some("type not selected"));
        let update = r#"{"event_type":"$identify","user_id":"u-1"}"#;
        assert_eq!(
            decide(&off, update).as_deref(),
            Some("property update, send users is off")
        );
        let shut = Gate::new(Mode::Shut, Filters::default()).unwrap();
        assert_eq!(decide(&shut, EU).as_deref(), Some("gate shut"));
    }

    #[test]
    fn a_rule_that_is_off_or_fails_holds_nothing_back_and_its_errors_are_counted() {
        let mut off = Rule::new("off", RuleEffect::Exclude, "true");
        off.on = false;
        let failing = Rule::new(
            "failing",
            RuleEffect::Exclude,
            "event_properties.region > 3",
        );
        let gate = gate(&[], true, vec![off, failing]);
        assert_eq!(decide(&gate, EU), None);
        let tallies = gate.tallies();
        assert_eq!(tallies[0].reached, 0);
        assert_eq!((tallies[1].reached, tallies[1].errors), (1, 1));
        assert_eq!(
            tallies[1].last_error.as_deref(),
            Some("> does not take a string and a number")
        );
    }

    #[test]
    fn a_sample_takes_its_share_of_persons_and_always_the_same_ones() {
        let mut tenth = Rule::new("tenth", RuleEffect::Include, "true");
        tenth.sample = 10.0;
        let gate = gate(&[], true, vec![tenth]);
        let passing = || -> Vec<usize> {
            let by = |i: usize| format!(r#"{{"event_type":"a","user_id":"user-{i}"}}"#);
            (0..2000)
                .filter(|i| decide(&gate, &by(*i)).is_none())
                .collect()
        };
        let first = passing();
        assert!((140..260).contains(&first.len()), "{}", first.len());
        assert_eq!(first, passing());
    }

    #[test]
    fn a_new_gate_keeps_the_counts_of_rules_that_stayed() {
        let stays = Rule::new("stays", RuleEffect::Exclude, "has_user");
        let before = gate(&[], true, vec![stays.clone()]);
        decide(&before, EU);
        let rules = vec![Rule::new("new", RuleEffect::Exclude, "false"), stays];
        let after = gate(&[], true, rules).after(&before);
        assert_eq!(
            after
                .tallies()
                .iter()
                .map(|t| t.matched)
                .collect::<Vec<_>>(),
            [0, 1]
        );
    }

    #[test]
    fn a_wrong_rule_names_itself() {
        let wrong = Filters {
            rules: vec![Rule::new("typo", RuleEffect::Exclude, "evnt_type == 1")],
            ..Filters::default()
        };
        let error = Gate::new(Mode::Open, wrong).unwrap_err().to_string();
        assert!(
            error.starts_with("rule “typo”: there is no variable evnt_type"),
            "{error}"
        );
    }
}
