//! The filters with their rules compiled, ready to decide.

use std::sync::Arc;

use crate::amplitude::Reading;

use super::decision::BlockedBy;
use super::expression::{Condition, Variables};
use super::filters::Filters;
use super::rule::{Rule, RuleError};
use super::rule_counts::{RuleCounts, RuleTally};

/// Filters with their compiled rules.
#[derive(Debug)]
pub(super) struct CompiledFilters {
    filters: Filters,
    /// In the order of the filters' rules.
    rules: Vec<CompiledRule>,
}

#[derive(Debug)]
struct CompiledRule {
    name: Arc<str>,
    condition: Condition,
    counts: Arc<RuleCounts>,
}

impl CompiledFilters {
    /// Compiles `filters`. Fails if one of the rules is invalid.
    pub(super) fn compile(filters: Filters) -> Result<Self, RuleError> {
        let compile = |rule: &Rule| {
            Ok(CompiledRule {
                name: rule.name.as_str().into(),
                condition: rule.compile()?,
                counts: Arc::default(),
            })
        };
        let rules = filters
            .rules
            .iter()
            .map(compile)
            .collect::<Result<_, _>>()?;
        Ok(Self { filters, rules })
    }

    /// Continues the counts of `before`, for the rules that both have.
    pub(super) fn with_counts_of(mut self, before: &Self) -> Self {
        for (rule, new) in self.rules.iter_mut().zip(&self.filters.rules) {
            let is_same = |old: &Rule| {
                (&old.name, &old.when, old.effect) == (&new.name, &new.when, new.effect)
            };
            if let Some(index) = before.filters.rules.iter().position(is_same) {
                rule.counts = before.rules[index].counts.clone();
            }
        }
        self
    }

    /// The filters.
    pub(super) fn filters(&self) -> &Filters {
        &self.filters
    }

    /// The counts of the rules, in their order.
    pub(super) fn tallies(&self) -> Vec<RuleTally> {
        self.rules.iter().map(|rule| rule.counts.tally()).collect()
    }

    /// Returns the reason why an event is filtered out, if it is: its type, else the first rule.
    pub(super) fn blocked_by(
        &self,
        reading: &Reading<'_>,
        event_type: &str,
        send_users: bool,
    ) -> Option<BlockedBy> {
        self.filters
            .type_blocker(event_type, send_users)
            .or_else(|| self.rule_blocker(reading))
    }

    fn rule_blocker(&self, reading: &Reading<'_>) -> Option<BlockedBy> {
        if self.filters.rules.iter().all(|rule| !rule.on) {
            return None;
        }
        let variables = Variables::new(reading);
        let context = variables.context();
        let index = self.filters.blocking_rule(reading.event(), |index| {
            let rule = &self.rules[index];
            rule.counts.evaluate(&rule.condition, &context)
        })?;
        let rule = &self.rules[index];
        rule.counts.add_filtered_out();
        Some(BlockedBy::rule(index, rule.name.clone()))
    }
}
