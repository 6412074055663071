//! The comparison of two sets of filters on single events.

use std::sync::Arc;

use crate::amplitude::{Event, Reading};
use crate::filter::decision::BlockedBy;
use crate::filter::expression::{Condition, Evaluation, EventContext, Variables};
use crate::filter::filters::Filters;
use crate::filter::rule::RuleError;
use crate::filter::rule_counts::RuleTally;

/// A recent event.
#[derive(Debug, Clone)]
pub struct PreviewEvent {
    /// Its sequence number in this run.
    pub sequence: u64,
    /// The event.
    pub event: Event,
    /// Its type.
    pub event_type: Arc<str>,
    /// Whether it violates a limit that rejects: then it is never sent.
    pub is_rejected: bool,
}

/// The applied filters and a draft, compiled to decide the same events.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub(super) before: Side,
    pub(super) after: Side,
    /// The distinct conditions of both.
    pub(super) conditions: Arc<[Condition]>,
    /// The result of each condition on the current event, once it is evaluated.
    results: Vec<Option<ConditionResult>>,
}

/// One of the two sets of filters.
#[derive(Debug, Clone)]
pub(super) struct Side {
    filters: Filters,
    /// The index of each rule's condition.
    conditions: Vec<usize>,
    pub(super) tallies: Vec<RuleTally>,
}

/// The reasons why the applied filters, and the draft, filter out an event.
pub(super) type Decisions = (Option<BlockedBy>, Option<BlockedBy>);

/// The result of a condition on an event.
#[derive(Debug, Clone)]
enum ConditionResult {
    Match,
    NoMatch,
    Failed(Arc<str>),
}

impl Comparison {
    /// Compiles both. Fails if one of the rules is invalid.
    pub fn new(before: &Filters, after: &Filters) -> Result<Self, RuleError> {
        let mut conditions = Vec::new();
        let before = Side::compile(before, &mut conditions)?;
        let after = Side::compile(after, &mut conditions)?;
        Ok(Self {
            before,
            after,
            results: vec![None; conditions.len()],
            conditions: conditions.into(),
        })
    }

    /// Returns the reasons why the applied filters, and the draft, filter out `event`.
    pub fn decide(
        &mut self,
        event: &PreviewEvent,
        send_users: bool,
    ) -> (Option<BlockedBy>, Option<BlockedBy>) {
        let reading = Reading::new(&event.event);
        let variables = Variables::new(&reading);
        self.results.fill(None);
        let mut evaluator = Evaluator {
            conditions: &self.conditions,
            results: &mut self.results,
            context: variables.context(),
        };
        let before = self.before.blocked_by(event, send_users, &mut evaluator);
        let after = self.after.blocked_by(event, send_users, &mut evaluator);
        (before, after)
    }
}

/// Evaluates each condition at most once for an event.
struct Evaluator<'a, 'v> {
    conditions: &'a [Condition],
    results: &'a mut [Option<ConditionResult>],
    context: EventContext<'v, 'v>,
}

impl Evaluator<'_, '_> {
    fn evaluate(&mut self, index: usize) -> &ConditionResult {
        let context = &self.context;
        self.results[index].get_or_insert_with(|| match self.conditions[index].evaluate(context) {
            Evaluation::True => ConditionResult::Match,
            Evaluation::False => ConditionResult::NoMatch,
            Evaluation::Error(text) => ConditionResult::Failed(text.into()),
        })
    }
}

impl Side {
    /// Compiles the conditions that `conditions` lacks, and adds them.
    fn compile(filters: &Filters, conditions: &mut Vec<Condition>) -> Result<Self, RuleError> {
        let mut indices = Vec::with_capacity(filters.rules.len());
        for rule in &filters.rules {
            let is_same = |condition: &Condition| condition.source() == rule.when;
            let index = match conditions.iter().position(is_same) {
                Some(index) => index,
                None => {
                    conditions.push(rule.compile()?);
                    conditions.len() - 1
                }
            };
            indices.push(index);
        }
        Ok(Self {
            filters: filters.clone(),
            tallies: vec![RuleTally::default(); indices.len()],
            conditions: indices,
        })
    }

    fn blocked_by(
        &mut self,
        event: &PreviewEvent,
        send_users: bool,
        evaluator: &mut Evaluator<'_, '_>,
    ) -> Option<BlockedBy> {
        let by_type = self.filters.type_blocker(&event.event_type, send_users);
        if by_type.is_some() {
            return by_type;
        }
        let tallies = &mut self.tallies;
        let index = self.filters.blocking_rule(&event.event, |index| {
            let tally = &mut tallies[index];
            tally.reached += 1;
            match evaluator.evaluate(self.conditions[index]) {
                ConditionResult::Match => {
                    tally.matched += 1;
                    true
                }
                ConditionResult::NoMatch => false,
                ConditionResult::Failed(text) => {
                    tally.errors += 1;
                    tally.last_error.get_or_insert_with(|| text.to_string());
                    false
                }
            }
        })?;
        tallies[index].filtered_out += 1;
        let name = self.filters.rules[index].name.as_str();
        Some(BlockedBy::rule(index, name.into()))
    }
}
