//! The result of each part of a condition on an event, and all reasons that filter an event out.

use cel::Value;
use cel::common::ast::{Expr, IdedExpr, operators};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use cel::{Context, Program};

use crate::amplitude::Reading;

use super::decision::BlockedBy;
use super::expression::{Condition, Variables, error_text, is_missing_value};
use super::expression_builder::quoted;
use super::filters::Filters;
use super::mode::Mode;

mod source_text;

use source_text::source_text;

/// A part of a condition, and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subexpression {
    /// Its nesting depth; 0 is the whole condition.
    pub depth: usize,
    /// Its source text.
    pub text: String,
    /// Its result.
    pub result: EvalResult,
}

/// The result of a part of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvalResult {
    /// True or false.
    Bool(bool),
    /// Another value in CEL's syntax, or the kind and size of a list or an object.
    Value(String),
    /// A property that it needs is missing or `null`.
    Missing,
    /// The error of its evaluation.
    Error(String),
}

/// The results of a rule's condition on an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleExplanation {
    /// The rule's position, from 1.
    pub number: usize,
    /// The rule's name.
    pub name: String,
    /// The parts of its condition, each before its own parts.
    pub parts: Vec<Subexpression>,
}

/// Maximum length of a string in a result, in characters.
const MAX_STRING_CHARS: usize = 60;

impl Condition {
    /// Evaluates the condition and each of its parts on an event.
    pub fn parts(&self, reading: &Reading<'_>) -> Vec<Subexpression> {
        let variables = Variables::new(reading);
        let context = variables.context();
        let mut evaluator = PartEvaluator {
            program: self.program(),
            context: context.cel(),
            parts: Vec::new(),
        };
        evaluator.add(self.program().expression(), 0);
        evaluator.parts
    }
}

/// Explains the rule called `name` on an event. None if the filters have no such rule.
pub fn explain(filters: &Filters, name: &str, reading: &Reading<'_>) -> Option<RuleExplanation> {
    let index = filters.rules.iter().position(|rule| rule.name == name)?;
    let condition = Condition::compile(&filters.rules[index].when).ok()?;
    Some(RuleExplanation {
        number: index + 1,
        name: name.to_owned(),
        parts: condition.parts(reading),
    })
}

/// Returns all reasons that filter an event out, each on its own, in order of evaluation.
pub fn blockers(
    filters: &Filters,
    mode: Option<Mode>,
    send_users: bool,
    event_type: &str,
    reading: &Reading<'_>,
) -> Vec<BlockedBy> {
    let by_type = filters.type_blocker(event_type, send_users);
    let variables = Variables::new(reading);
    let context = variables.context();
    let by_rules = filters
        .rules
        .iter()
        .enumerate()
        .filter_map(|(index, rule)| {
            let condition = rule.on.then(|| Condition::compile(&rule.when))?;
            let matches = condition.is_ok_and(|condition| condition.matches(&context));
            let is_blocker = rule.filters_out(reading.event(), matches);
            is_blocker.then(|| BlockedBy::rule(index, rule.name.as_str().into()))
        });
    let by_mode = (mode == Some(Mode::Shut)).then_some(BlockedBy::Shut);
    by_type.into_iter().chain(by_rules).chain(by_mode).collect()
}

/// Evaluates the parts of a condition.
struct PartEvaluator<'w> {
    program: &'w Program,
    context: &'w Context<'w, 'w>,
    parts: Vec<Subexpression>,
}

impl PartEvaluator<'_> {
    /// Adds `expression`, then its own parts, without literals.
    fn add(&mut self, expression: &IdedExpr, depth: usize) {
        if is_literal(&expression.expr) {
            return;
        }
        self.parts.push(Subexpression {
            depth,
            text: source_text(self.program, expression),
            result: evaluate(expression, self.context),
        });
        match &expression.expr {
            Expr::Call(call) if call.func_name != operators::INDEX => {
                let operands = call.target.as_deref().into_iter().chain(&call.args);
                operands.for_each(|operand| self.add(operand, depth + 1));
            }
            // The body of a macro has a result per element.
            Expr::Comprehension(all) => self.add(&all.iter_range, depth + 1),
            _ => {}
        }
    }
}

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(_) => true,
        Expr::List(list) => list.elements.iter().all(|e| is_literal(&e.expr)),
        Expr::Call(call) if call.func_name == operators::NEGATE => {
            call.args.iter().all(|e| is_literal(&e.expr))
        }
        _ => false,
    }
}

fn evaluate(expression: &IdedExpr, context: &Context<'_, '_>) -> EvalResult {
    match Value::resolve_val(expression, context) {
        Ok(value) => describe(value.as_ref()),
        Err(error) if is_missing_value(&error) => EvalResult::Missing,
        Err(error) => EvalResult::Error(error_text(&error)),
    }
}

fn describe(value: &dyn Val) -> EvalResult {
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return EvalResult::Bool(*truth.inner());
    }
    if value.downcast_ref::<CelNull>().is_some() {
        return EvalResult::Missing;
    }
    let text = if let Some(text) = value.downcast_ref::<CelString>() {
        shortened(text.inner())
    } else if let Some(number) = value.downcast_ref::<CelInt>() {
        number.inner().to_string()
    } else if let Some(number) = value.downcast_ref::<CelUInt>() {
        number.inner().to_string()
    } else if let Some(number) = value.downcast_ref::<CelDouble>() {
        number.inner().to_string()
    } else if let Some(list) = value.downcast_ref::<CelList>() {
        format!("a list of {}", list.inner().len())
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        format!("an object of {}", map.inner().len())
    } else {
        format!("a {}", value.get_type().name())
    };
    EvalResult::Value(text)
}

/// Quotes the first [`MAX_STRING_CHARS`] characters of a string.
fn shortened(text: &str) -> String {
    let short: String = text.chars().take(MAX_STRING_CHARS).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{}{more}", quoted(&short))
}

#[cfg(test)]
mod tests;
