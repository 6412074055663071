//! Compilation and evaluation of a condition.

use cel::common::ast::IdedExpr;
use cel::common::types::{CelBool, CelNull};
use cel::{Context, ExecutionError, Value};

use super::compile_error::CompileError;
use super::names;
use super::nesting;
use super::quick::QuickCondition;
use super::truth;
use super::variables::EventContext;

/// A compiled condition.
#[derive(Debug)]
pub struct Condition {
    source: String,
    program: cel::Program,
    /// The quick form, where there is one.
    quick: Option<QuickCondition>,
}

/// The result of a condition on an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// The event matches.
    True,
    /// It does not match, or a property that the condition needs is missing.
    False,
    /// The condition can't be evaluated on it, such as a text compared with a number.
    Error(String),
}

impl Condition {
    /// Compiles `source`. Unknown variables and functions are errors, so a mistyped rule never
    /// reaches the stream.
    pub fn compile(source: &str) -> Result<Self, CompileError> {
        if source.trim().is_empty() {
            return Err(CompileError {
                message: "write a condition, such as event_type == \"Signup\"".to_owned(),
                column: 0,
            });
        }
        let program =
            nesting::parse(source)?.map_err(|errors| CompileError::from_parser(source, &errors))?;
        let references = program.references();
        names::check_variables(source, references.variables())?;
        names::check_functions(source, references.functions())?;
        truth::check(source, program.expression())?;
        Ok(Self {
            source: source.to_owned(),
            quick: QuickCondition::of(program.expression()),
            program,
        })
    }

    /// The source text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The compiled program.
    pub(in crate::filter) fn program(&self) -> &cel::Program {
        &self.program
    }

    /// Whether the event of `context` matches. An error counts as no match.
    pub(in crate::filter) fn matches(&self, context: &EventContext<'_, '_>) -> bool {
        self.evaluate(context) == Evaluation::True
    }

    /// Evaluates the condition on the event of `context`.
    pub fn evaluate(&self, context: &EventContext<'_, '_>) -> Evaluation {
        let quick = self.quick.as_ref();
        match quick.and_then(|quick| quick.evaluate(context.reading())) {
            Some(true) => Evaluation::True,
            Some(false) => Evaluation::False,
            None => self.evaluate_by_cel(context.cel()),
        }
    }

    pub(super) fn evaluate_by_cel(&self, context: &Context<'_, '_>) -> Evaluation {
        let expression: &IdedExpr = self.program.expression();
        match Value::resolve_val(expression, context) {
            Ok(value) => match value.downcast_ref::<CelBool>() {
                Some(truth) if *truth.inner() => Evaluation::True,
                Some(_) => Evaluation::False,
                None if value.downcast_ref::<CelNull>().is_some() => Evaluation::False,
                None => Evaluation::Error(format!(
                    "gives {}, not true or false",
                    with_article(value.get_type().name())
                )),
            },
            Err(error) if is_missing_value(&error) => Evaluation::False,
            Err(error) => Evaluation::Error(error_text(&error)),
        }
    }
}

/// Whether an error comes from a property that is missing or `null` where an operator needs a
/// value.
pub(in crate::filter) fn is_missing_value(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::NoSuchKey(_) | ExecutionError::IndexOutOfBounds(_) => true,
        ExecutionError::NoSuchOverload(call) => {
            call.argument_types().iter().any(|t| t == "null_type")
        }
        _ => false,
    }
}

/// Describes an error of an evaluation for the operator.
pub(in crate::filter) fn error_text(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchOverload(call) => {
            let name = call.function().trim_matches('_').trim_matches('@');
            let types = call.argument_types();
            let types: Vec<String> = types.iter().map(|t| with_article(t)).collect();
            format!("{name} does not take {}", types.join(" and "))
        }
        other => other.to_string(),
    }
}

/// Formats the name of a CEL type, such as `a number`.
fn with_article(kind: &str) -> String {
    let kind = match kind {
        "null_type" => "null",
        "int" | "uint" | "double" => "number",
        other => other,
    };
    let article = if kind.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}
